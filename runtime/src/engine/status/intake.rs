//! How long an actor's intake stood still for an output that was past its mark.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// Counts stops and their time.
#[derive(Debug, Default)]
pub(super) struct Intake(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    stops: u64,
    /// Of the stops that are over.
    stopped: Duration,
    stop: Option<Stop>,
}

/// A stop that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stop {
    /// The stream that is past its mark.
    pub(super) stream: String,
    pub(super) since: SystemTime,
    began: Instant,
}

impl Intake {
    /// Intake stands still for this stream from here on, or for none; returns whether it stood still before.
    pub(super) fn gate(&self, stream: Option<&str>) -> bool {
        let now = Instant::now();
        let mut counted = self.lock();
        let stood_still = counted.stop.is_some();
        match (stream, &mut counted.stop) {
            (Some(stream), Some(stop)) if stop.stream == stream => {}
            (Some(stream), Some(stop)) => stream.clone_into(&mut stop.stream),
            (Some(stream), none) => {
                *none = Some(Stop { stream: stream.to_owned(), since: SystemTime::now(), began: now });
                counted.stops += 1;
            }
            (None, stop) => {
                if let Some(stop) = stop.take() {
                    counted.stopped += now - stop.began;
                }
            }
        }
        stood_still
    }

    /// How often it stood still, how long in all, and for what it does now.
    pub(super) fn read(&self) -> (u64, Duration, Option<Stop>) {
        let counted = self.lock();
        let lasting = counted.stop.as_ref().map(|stop| stop.began.elapsed()).unwrap_or_default();
        (counted.stops, counted.stopped + lasting, counted.stop.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stop_counts_once_however_long_and_for_whatever_stream() {
        let intake = Intake::default();
        for (stream, seconds) in [(None, 1), (Some("A"), 2), (Some("A"), 3), (Some("B"), 4), (None, 5)] {
            intake.gate(stream);
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        intake.gate(Some("A"));
        tokio::time::sleep(Duration::from_secs(6)).await;

        let (stops, stopped, stop) = intake.read();

        assert_eq!((stops, stopped), (2, Duration::from_secs(15)));
        assert_eq!(stop.map(|stop| stop.stream).as_deref(), Some("A"));
    }
}
