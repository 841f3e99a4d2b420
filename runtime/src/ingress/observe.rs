//! What the ingress counts, as metrics.

use tidegate_producer::Throttled;

use super::counters::IngressSnapshot;
use crate::telemetry::metric::{self, Labels, Observations};

/// Tells what has become of the requests, and of the events in them.
pub(super) fn observe(
    ingress: &IngressSnapshot,
    connections: usize,
    throttled: &Throttled,
    observations: &mut Observations,
) {
    let rejected = ingress.client_errors.saturating_sub(ingress.throttled + ingress.refused);
    for (outcome, count) in [
        ("accepted", ingress.succeeded),
        ("throttled", ingress.throttled),
        ("refused", ingress.refused),
        ("rejected", rejected),
        ("failed", ingress.server_errors),
    ] {
        observations.whole(&metric::INGRESS_REQUESTS, Labels::default().outcome(outcome), count);
    }
    for (cause, count) in [
        ("slow", throttled.slow),
        ("stopped", throttled.stopped),
        ("full", throttled.full),
        ("window", throttled.window),
    ] {
        observations.whole(&metric::PUBLISH_REFUSALS, Labels::default().cause(cause), count);
    }
    observations.whole(&metric::INGRESS_EVENTS, Labels::default(), ingress.events);
    observations.whole(&metric::INGRESS_CONNECTIONS, Labels::default(), connections as u64);
    let seconds = throttled.time.as_secs_f64();
    observations.real(&metric::PUBLISH_THROTTLED_TIME, Labels::default(), seconds);
}
