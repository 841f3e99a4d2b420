//! Why a stream holds its publishers back, in words.

use std::fmt;
use std::time::Duration;

use bytesize::ByteSize;

use super::{Flow, FlowState, Mark, Pressure};

impl Flow {
    /// What the stream can take and why, in words: ``stream `ORDERS` is stopped: messages wait 42s of 30s for actor
    /// `payments`, most in partition 3``.
    pub fn reason(&self) -> String {
        let state = match self.state {
            FlowState::Slow => "slow",
            FlowState::Stop => "stopped",
            FlowState::Open | FlowState::Unknown => "open",
        };
        match &self.pressure {
            Some(pressure) => format!("stream `{}` is {state}: {pressure}", self.stream),
            None => format!("stream `{}` is {state}", self.stream),
        }
    }
}

/// ``50000 of 50000 messages wait for actor `payments`, most in partition 3``.
impl fmt::Display for Pressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mark, value, high, .. } = self;
        let bytes = |value: f64| ByteSize(whole(value));
        let seconds = |value: f64| humantime::format_duration(Duration::from_secs(whole(value)));
        match mark {
            Mark::Messages => write!(f, "{} of {} messages wait", whole(*value), whole(*high))?,
            Mark::Bytes => write!(f, "{} of {} wait", bytes(*value), bytes(*high))?,
            Mark::Lag => write!(f, "messages wait {} of {}", seconds(*value), seconds(*high))?,
            Mark::Fill => write!(f, "{:.0} % of the stream's limits are used", value * 100.0)?,
            Mark::Unknown => write!(f, "a mark that this version does not know is passed")?,
        }
        match (&self.actor, mark) {
            (Some(actor), Mark::Fill) => write!(f, ", most waits for actor `{actor}`")?,
            (Some(actor), _) => write!(f, " for actor `{actor}`")?,
            (None, _) => {}
        }
        match self.partition {
            Some(partition) => write!(f, ", most in partition {partition}"),
            None => Ok(()),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, floored for people")]
fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}

/// When a stopped stream may take something again: when what is above the low mark is worked off at the speed of the
/// slowest actor.
pub(crate) fn relief(flow: &Flow) -> Duration {
    const SHORTEST: f64 = 1.0;
    const LONGEST: f64 = 60.0;
    let excess = flow.pressure.as_ref().filter(|pressure| pressure.mark == Mark::Messages && flow.done > 0.0);
    let seconds = excess.map_or(SHORTEST, |pressure| {
        // The stream opens a little at half way between the marks.
        let relieved = f64::midpoint(pressure.low, pressure.high);
        ((pressure.value - relieved) / flow.done).clamp(SHORTEST, LONGEST)
    });
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn stopped(mark: Mark, value: f64, low: f64, high: f64, done: f64) -> Flow {
        let since = SystemTime::UNIX_EPOCH;
        let pressure = Pressure {
            mark,
            value,
            low,
            high,
            actor: Some("payments".to_owned()),
            partition: Some(3),
            since,
        };
        Flow {
            stream: "ORDERS".to_owned(),
            subjects: Vec::new(),
            state: FlowState::Stop,
            since,
            rate: None,
            stored: 0.0,
            done,
            pressure: Some(pressure),
            full_in: None,
            holds: 5000,
            instance: "a".to_owned(),
            written: since,
        }
    }

    #[test]
    fn names_what_waits_for_whom_and_where() {
        let reason = |mark, value, high| stopped(mark, value, 0.0, high, 1.0).reason();

        assert_eq!(
            reason(Mark::Messages, 50_000.0, 50_000.0),
            "stream `ORDERS` is stopped: 50000 of 50000 messages wait for actor `payments`, most in partition 3"
        );
        assert_eq!(
            reason(Mark::Lag, 42.4, 30.0),
            "stream `ORDERS` is stopped: messages wait 42s of 30s for actor `payments`, most in partition 3"
        );
        assert_eq!(
            reason(Mark::Bytes, 3_145_728.0, 2_097_152.0),
            "stream `ORDERS` is stopped: 3.0 MiB of 2.0 MiB wait for actor `payments`, most in partition 3"
        );
        let nobody = Flow { pressure: None, ..stopped(Mark::Fill, 1.0, 0.85, 0.95, 0.0) };
        assert_eq!(nobody.reason(), "stream `ORDERS` is stopped");
    }

    #[test]
    fn relief_comes_as_fast_as_the_slowest_actor_works() {
        let seconds = |flow: &Flow| relief(flow).as_secs_f64();

        assert!((seconds(&stopped(Mark::Messages, 1750.0, 500.0, 1000.0, 100.0)) - 10.0).abs() < 0.01);
        assert!((seconds(&stopped(Mark::Messages, 1000.0, 500.0, 1000.0, 0.0)) - 1.0).abs() < 0.01);
        assert!((seconds(&stopped(Mark::Messages, 1e30, 500.0, 1000.0, 0.001)) - 60.0).abs() < 0.01);
        assert!((seconds(&stopped(Mark::Messages, f64::NAN, 500.0, 1000.0, 1.0)) - 1.0).abs() < 0.01);
    }
}
