//! How long the broker takes to store our sign of life.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The latest time, readable by anyone.
#[derive(Debug, Clone, Default)]
pub struct RoundTrip(Arc<Mutex<Times>>);

#[derive(Debug, Default)]
struct Times {
    /// Since when an answer is awaited.
    asked: Option<Instant>,
    latest: Option<Duration>,
}

impl RoundTrip {
    /// The latest time; of an answer that is awaited still, for how long, if that is longer. `None` before the first.
    pub fn latest(&self) -> Option<Duration> {
        let times = self.lock();
        times.latest.max(times.asked.map(|asked| asked.elapsed()))
    }

    /// Something was asked for.
    pub(super) fn begin(&self) {
        // An answer that never came is still awaited.
        self.lock().asked.get_or_insert_with(Instant::now);
    }

    /// The answer is there.
    pub(super) fn end(&self) {
        let mut times = self.lock();
        times.latest = times.asked.take().map(|asked| asked.elapsed());
    }

    fn lock(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_takes_longer_and_longer() {
        let (round_trip, second) = (RoundTrip::default(), Duration::from_secs(1));
        assert_eq!(round_trip.latest(), None);

        round_trip.begin();
        tokio::time::sleep(second).await;
        round_trip.end();
        assert_eq!(round_trip.latest(), Some(second));

        round_trip.begin();
        tokio::time::sleep(second / 2).await;
        assert_eq!(round_trip.latest(), Some(second), "the last one counts until this one is longer");
        tokio::time::sleep(5 * second).await;
        round_trip.begin();
        assert_eq!(round_trip.latest(), Some(second * 11 / 2));
    }
}
