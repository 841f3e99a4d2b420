//! A producer's share of what a slow stream takes, and its spacing.

use std::time::Duration;

use tokio::time::Instant;

/// The least share that a producer has, so that one that was silent can begin.
const LEAST: f64 = 0.1;
/// How much of a second's share may go at once.
const BURST: f64 = 0.1;
/// How fast the own rate forgets, in seconds.
const MEMORY: f64 = 3.0;

/// The rate at which this producer stores, smoothed over some seconds.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    rate: f64,
    last: Option<(Instant, u64)>,
}

impl Meter {
    /// Takes note that `stored` messages were stored in all.
    pub(crate) fn tick(&mut self, stored: u64, now: Instant) {
        if let Some((then, before)) = self.last {
            let seconds = now.duration_since(then).as_secs_f64();
            if seconds <= 0.0 {
                return;
            }
            #[expect(clippy::cast_precision_loss, reason = "messages of one tick are far below 2^52")]
            let current = stored.saturating_sub(before) as f64 / seconds;
            let weight = 1.0 - (-seconds / MEMORY).exp();
            self.rate += (current - self.rate) * weight;
        }
        self.last = Some((now, stored));
    }

    /// Takes note of a time in which nobody may store, which says nothing of the rate.
    pub(crate) fn skip(&mut self, stored: u64, now: Instant) {
        self.last = Some((now, stored));
    }

    /// Which part of what all publishers store is ours.
    pub(crate) fn share(&self, stored_by_all: f64) -> f64 {
        // Also when the other is no number.
        if stored_by_all >= 1.0 { (self.rate / stored_by_all).clamp(LEAST, 1.0) } else { 1.0 }
    }
}

/// Lets through what a rate allows, evenly spaced.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    saved: f64,
    last: Option<Instant>,
}

impl Pace {
    /// How many more may go by now. Less than one is saved for later, and a little beyond that.
    pub(crate) fn due(&mut self, rate: f64, now: Instant) -> usize {
        let rate = if rate.is_finite() { rate.max(0.0) } else { 0.0 };
        let since = self.last.replace(now).map_or(Duration::ZERO, |last| now.duration_since(last));
        self.saved = (self.saved + rate * since.as_secs_f64()).min(most_at_once(rate));
        let whole = self.saved.floor();
        self.saved -= whole;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a burst")]
        let whole = whole as usize;
        whole
    }
}

/// How many may go at once after a pause.
pub(crate) fn most_at_once(rate: f64) -> f64 {
    (rate * BURST).clamp(1.0, 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paced(rate: f64, tick: Duration, ticks: u32) -> usize {
        let (mut pace, start) = (Pace::default(), Instant::now());
        (0..=ticks).map(|number| pace.due(rate, start + tick * number)).sum()
    }

    #[test]
    fn keeps_the_rate_whatever_the_tick() {
        assert_eq!(paced(1000.0, Duration::from_millis(10), 1000), 10_000);
        assert!((9..=10).contains(&paced(1.0, Duration::from_millis(10), 1000)));
        assert!((3332..=3334).contains(&paced(333.3, Duration::from_millis(10), 1000)));
        assert_eq!(paced(f64::NAN, Duration::from_millis(10), 1000), 0);
    }

    #[test]
    fn a_pause_is_not_made_up_for() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        pace.due(1000.0, start);

        assert_eq!(pace.due(1000.0, start + Duration::from_secs(60)), 100);
    }

    #[test]
    fn the_share_is_what_we_had_of_the_whole() {
        let (mut meter, start) = (Meter::default(), Instant::now());
        for second in 0..30 {
            meter.tick(second * 250, start + Duration::from_secs(second));
        }

        assert!((meter.share(1000.0) - 0.25).abs() < 0.01, "{meter:?}");
        assert!((meter.share(100.0) - 1.0).abs() < f64::EPSILON);
        assert!((meter.share(1e9) - LEAST).abs() < f64::EPSILON);
        assert!((meter.share(0.0) - 1.0).abs() < f64::EPSILON);
        assert!((meter.share(f64::NAN) - 1.0).abs() < f64::EPSILON);
    }
}
