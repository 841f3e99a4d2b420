//! The instruments of the HTTP ingress, and of what it publishes.

use crate::telemetry::attribute::{CAUSE, OUTCOME};
use crate::telemetry::metric::instrument::{Instrument, Kind};

/// What was posted to the ingress.
pub const INGRESS_REQUESTS: Instrument = Instrument {
    name: "tidegate.ingress.requests",
    kind: Kind::Counter,
    unit: "{request}",
    description: "Requests to the HTTP ingress, by outcome: accepted, throttled (429), refused (401, 403), rejected (other 4xx), failed (5xx).",
    labels: &[OUTCOME],
};

/// What came of it.
pub const INGRESS_EVENTS: Instrument = Instrument {
    name: "tidegate.ingress.events",
    kind: Kind::Counter,
    unit: "{event}",
    description: "Events that were posted to the HTTP ingress and are stored.",
    labels: &[],
};

/// Who posts.
pub const INGRESS_CONNECTIONS: Instrument = Instrument {
    name: "tidegate.ingress.connections",
    kind: Kind::UpDownCounter,
    unit: "{connection}",
    description: "Connections to the HTTP ingress that are open.",
    labels: &[],
};

/// Events held back.
pub const PUBLISH_REFUSALS: Instrument = Instrument {
    name: "tidegate.publish.refusals",
    kind: Kind::Counter,
    unit: "{event}",
    description: "Events of the HTTP ingress that were not taken, by cause: slow, stopped, full, window.",
    labels: &[CAUSE],
};

/// How long events are held back.
pub const PUBLISH_THROTTLED_TIME: Instrument = Instrument {
    name: "tidegate.publish.throttled.time",
    kind: Kind::Counter,
    unit: "s",
    description: "How long events of the HTTP ingress have waited for streams that were slow, stopped or full, in all.",
    labels: &[],
};
