//! Marks of a stream: how much may wait for its slowest actor.

use std::time::Duration;

/// Where the flow of a stream turns. What has no marks is not looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlowMarks {
    /// Of the messages that wait for the slowest actor or are in its hands.
    pub messages: Option<Marks<u64>>,
    /// Of their bytes.
    pub bytes: Option<Marks<u64>>,
    /// Of the time since the oldest of them was stored.
    pub lag: Option<Marks<Duration>>,
}

/// Two marks with a distance, so that a value that trembles at one of them does not turn the flow to and fro.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks<T> {
    /// Below this the stream is open.
    pub low: T,
    /// At this it stops.
    pub high: T,
}

impl FlowMarks {
    /// The marks of the share of the stream's limits that is used up, whichever limit is nearer.
    pub const FILL: Marks<f64> = Marks { low: 0.85, high: 0.95 };

    /// The marks of a stream whose topology gives none: at 80 % of its limits.
    pub fn of_limits(max_messages: Option<u64>, max_bytes: Option<u64>) -> Self {
        let mark = |limit: u64| {
            let high = (limit - limit / 5).max(1);
            Marks { low: high / 2, high }
        };
        Self { messages: max_messages.map(mark), bytes: max_bytes.map(mark), lag: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_four_fifths_of_the_limits_may_wait() {
        let marks = FlowMarks::of_limits(Some(1000), None);

        assert_eq!(marks.messages, Some(Marks { low: 400, high: 800 }));
        assert_eq!((marks.bytes, marks.lag), (None, None));
        assert_eq!(FlowMarks::of_limits(Some(1), None).messages, Some(Marks { low: 0, high: 1 }));
    }
}
