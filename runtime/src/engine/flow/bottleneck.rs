//! Who holds the topology up.

use crate::message::Flow;

/// How hard a stream presses against its mark: 0 at the low one, 1 at the high one. Nothing while nothing is near one.
pub(crate) fn pressure_of(flow: &Flow) -> Option<f64> {
    let pressure = flow.pressure.as_ref()?;
    let span = pressure.high - pressure.low;
    (span > 0.0).then(|| (pressure.value - pressure.low) / span)
}

/// The actor that holds the topology up, and its partition if one stands out.
///
/// Pressure travels upstream: behind a slow actor fill its own stream, then those before it, whose actors stand still
/// only because of it. So it is one for which a stream waits and that takes messages in itself; of several, the one that
/// is pressed hardest.
pub(crate) fn bottleneck(flows: &[Flow], is_gated: impl Fn(&str) -> bool) -> Option<(&str, Option<u32>)> {
    let held_up = flows.iter().filter_map(|flow| {
        let pressure = flow.pressure.as_ref()?;
        let actor = pressure.actor.as_deref().filter(|actor| !is_gated(actor))?;
        let hard = pressure_of(flow).filter(|hard| *hard > 0.0)?;
        Some((hard, actor, pressure.partition))
    });
    let (_, actor, partition) = held_up.max_by(|(one, ..), (other, ..)| one.total_cmp(other))?;
    Some((actor, partition))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::message::{FlowState, Mark, Pressure};

    fn flow(stream: &str, actor: Option<&str>, value: f64) -> Flow {
        let since = SystemTime::UNIX_EPOCH;
        Flow {
            stream: stream.to_owned(),
            subjects: Vec::new(),
            state: FlowState::Stop,
            since,
            rate: None,
            stored: 0.0,
            done: 0.0,
            pressure: Some(Pressure {
                mark: Mark::Messages,
                value,
                low: 50.0,
                high: 100.0,
                actor: actor.map(str::to_owned),
                partition: Some(3),
                since,
            }),
            full_in: None,
            holds: 5000,
            instance: "a".to_owned(),
            written: since,
        }
    }

    #[test]
    fn is_the_actor_that_waits_for_nobody_else() {
        let flows = [flow("ORDERS", Some("payments"), 200.0), flow("PAYMENTS", Some("stock"), 100.0)];

        assert_eq!(bottleneck(&flows, |actor| actor == "payments"), Some(("stock", Some(3))));
        assert_eq!(
            bottleneck(&flows, |_| false),
            Some(("payments", Some(3))),
            "then the one pressed hardest"
        );
        assert_eq!(bottleneck(&flows, |_| true), None);
    }

    #[test]
    fn nobody_is_while_nothing_is_past_its_low_mark() {
        let flows = [flow("ORDERS", Some("payments"), 50.0), flow("AUDIT", None, 100.0)];

        assert_eq!(bottleneck(&flows, |_| false), None);
        assert_eq!(flows.each_ref().map(pressure_of), [Some(0.0), Some(1.0)]);
    }
}
