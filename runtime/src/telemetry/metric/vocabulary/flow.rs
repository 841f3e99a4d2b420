//! The instruments of the flow of streams, and of who holds them up.

use super::{ALERT, MARK};
use crate::telemetry::attribute::{ACTOR, PARTITION, STREAM};
use crate::telemetry::metric::instrument::{Instrument, Kind};

/// What a stream can take.
pub const FLOW_STATE: Instrument = Instrument {
    name: "tidegate.flow.state",
    kind: Kind::Gauge,
    unit: "",
    description: "What the stream can take: 0 is open, 1 slow, 2 stop; absent while nobody says so.",
    labels: &[STREAM],
};

/// How much a slow stream can take.
pub const FLOW_RATE: Instrument = Instrument {
    name: "tidegate.flow.rate",
    kind: Kind::Gauge,
    unit: "{message}/s",
    description: "How many messages a second all publishers together may store in the stream; only while it is slow.",
    labels: &[STREAM],
};

/// How hard a stream is pressed.
pub const FLOW_PRESSURE: Instrument = Instrument {
    name: "tidegate.flow.pressure",
    kind: Kind::Gauge,
    unit: "",
    description: "How hard what waits presses against the mark: 0 at the low one, 1 at the high one.",
    labels: &[MARK, STREAM],
};

/// Why an actor takes nothing in.
pub const INTAKE_STOPPED: Instrument = Instrument {
    name: "tidegate.intake.stopped",
    kind: Kind::Gauge,
    unit: "",
    description: "1 while this instance takes nothing in for the actor because its output, this stream, is past its mark; else absent.",
    labels: &[ACTOR, STREAM],
};

/// How long an actor took nothing in.
pub const INTAKE_STOPPED_TIME: Instrument = Instrument {
    name: "tidegate.intake.stopped.time",
    kind: Kind::Counter,
    unit: "s",
    description: "How long intake has stood still in all because an output was past its mark.",
    labels: &[ACTOR],
};

/// How often an actor took nothing in.
pub const INTAKE_STOPS: Instrument = Instrument {
    name: "tidegate.intake.stops",
    kind: Kind::Counter,
    unit: "{stop}",
    description: "How often intake stopped because an output was past its mark.",
    labels: &[ACTOR],
};

/// Who holds the topology up.
pub const BOTTLENECK: Instrument = Instrument {
    name: "tidegate.bottleneck",
    kind: Kind::Gauge,
    unit: "",
    description: "1 for the actor, and its partition if one stands out, that holds the topology up; absent while none does.",
    labels: &[ACTOR, PARTITION],
};

/// An alert that is raised.
pub const ALERT_RAISED: Instrument = Instrument {
    name: "tidegate.alert.raised",
    kind: Kind::Gauge,
    unit: "",
    description: "1 while this instance has the alert raised; else absent.",
    labels: &[ACTOR, ALERT],
};
