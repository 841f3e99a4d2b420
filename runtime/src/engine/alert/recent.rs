//! What was seen within the last minute.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How long something is recent.
const RECENT: Duration = Duration::from_mins(1);

/// Values of the last minute, looked at once a second: some sixty of them.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<(Instant, f64)>);

impl Recent {
    pub(super) fn add(&mut self, value: f64, now: Instant) {
        self.0.push_back((now, value));
        while self.0.front().is_some_and(|(at, _)| now - *at > RECENT) {
            self.0.pop_front();
        }
    }

    /// The highest of them; 0 without any.
    pub(super) fn highest(&self) -> f64 {
        self.0.iter().map(|(_, value)| *value).fold(0.0, f64::max)
    }

    /// By how much the last one is above the first.
    pub(super) fn growth(&self) -> f64 {
        match (self.0.front(), self.0.back()) {
            (Some((_, first)), Some((_, last))) => last - first,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_a_minute_is_forgotten() {
        let (mut recent, start) = (Recent::default(), Instant::now());
        for (seconds, value) in [(0, 9.0), (30, 2.0), (61, 5.0)] {
            recent.add(value, start + Duration::from_secs(seconds));
        }

        assert!((recent.highest() - 5.0).abs() < 1e-9);
        assert!((recent.growth() - 3.0).abs() < 1e-9);
    }
}
