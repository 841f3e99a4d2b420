//! Keeps a rate.

use std::num::NonZero;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Lets through a number of messages per second, evenly spaced.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    /// When the next one may go; `None` before the first.
    due: Option<Instant>,
}

impl Pace {
    /// At most `rate` per second; as fast as it goes when there is none.
    pub(super) fn new(rate: Option<NonZero<u32>>) -> Self {
        let interval = rate.map_or(Duration::ZERO, |rate| Duration::from_secs(1) / rate.get());
        Self { interval, due: None }
    }

    /// Waits until the next one may go.
    pub(super) async fn wait(&mut self) {
        if self.interval.is_zero() {
            return;
        }
        // Time lost to a slow broker is not made up for by a burst.
        let due = self
            .due
            .unwrap_or_else(Instant::now)
            .max(Instant::now().checked_sub(self.interval).unwrap_or_else(Instant::now));
        sleep_until(due).await;
        self.due = Some(due + self.interval);
    }
}
