//! Rates from counts that are read now and then, smoothed so that one look does not decide.

use std::time::Duration;

/// How many a second: a mean in which what is older weighs less.
///
/// Weighs by time, not by looks, so that it does not matter how often one looks; and as long as little is known, what is
/// known has all the weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    memory: Duration,
    sum: f64,
    weight: f64,
}

impl Rate {
    /// Knows nothing; what is `memory` old weighs a third.
    pub(super) fn new(memory: Duration) -> Self {
        Self { memory, sum: 0.0, weight: 0.0 }
    }

    /// Goes on from what somebody else has found.
    pub(super) fn from(memory: Duration, rate: f64) -> Self {
        Self { memory, sum: rate, weight: 1.0 }
    }

    /// Takes in that something changed by `change` within `elapsed`.
    pub(super) fn observe(&mut self, change: f64, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        if seconds <= 0.0 || !change.is_finite() {
            return;
        }
        let kept = (-seconds / self.memory.as_secs_f64()).exp();
        self.sum = self.sum * kept + change / seconds * (1.0 - kept);
        self.weight = self.weight * kept + (1.0 - kept);
    }

    /// A second; 0 as long as nothing is known.
    pub(super) fn per_second(self) -> f64 {
        if self.weight > 0.0 { self.sum / self.weight } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: Duration = Duration::from_secs(2);
    const LOOK: Duration = Duration::from_millis(100);

    fn after(looks: &[(f64, u32)]) -> f64 {
        let mut rate = Rate::new(MEMORY);
        for (change, times) in looks {
            for _ in 0..*times {
                rate.observe(*change, LOOK);
            }
        }
        rate.per_second()
    }

    #[test]
    fn the_first_look_has_all_the_weight() {
        assert!((after(&[(50.0, 1)]) - 500.0).abs() < 1e-6);
    }

    #[test]
    fn a_change_is_followed_within_some_seconds() {
        let soon = after(&[(10.0, 100), (100.0, 20)]);
        let later = after(&[(10.0, 100), (100.0, 80)]);

        assert!((600.0..700.0).contains(&soon), "{soon}");
        assert!((980.0..1000.0).contains(&later), "{later}");
    }

    #[test]
    fn how_often_one_looks_does_not_matter() {
        let mut seldom = Rate::new(MEMORY);
        seldom.observe(10.0, LOOK);
        seldom.observe(100.0, LOOK * 10);
        let often = after(&[(10.0, 1), (10.0, 10)]);

        assert!((seldom.per_second() - often).abs() < 1e-6);
    }

    #[test]
    fn what_somebody_else_has_found_counts() {
        let mut rate = Rate::from(MEMORY, 1000.0);
        rate.observe(0.0, LOOK);

        assert!(rate.per_second() > 900.0);
    }
}
