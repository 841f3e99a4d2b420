//! How much a producer was held back, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::gate::Cause;

/// What backpressure has cost a producer and its clones since it was made. The figures only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Throttled {
    /// How many events had to wait because a stream was slow, stopped or full.
    pub waits: u64,
    /// How long they waited in all. Events that wait side by side count each for itself.
    pub time: Duration,
    /// How many events were refused: the sum of those below.
    pub refusals: u64,
    /// Refused by [`Producer::try_publish`](crate::Producer::try_publish) because the stream's share was used up.
    pub slow: u64,
    /// Refused by [`Producer::try_publish`](crate::Producer::try_publish) because the stream was stopped.
    pub stopped: u64,
    /// Refused because the stream was full, by itself or on the strength of its last answer. Where waiting is asked
    /// for, such an event is offered again, and each refusal counts.
    pub full: u64,
    /// Refused by [`Producer::try_publish`](crate::Producer::try_publish) because as many events as the window holds
    /// were on their way.
    pub window: u64,
}

/// The counters behind it.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    waits: AtomicU64,
    microseconds: AtomicU64,
    slow: AtomicU64,
    stopped: AtomicU64,
    full: AtomicU64,
    window: AtomicU64,
}

impl Counters {
    pub(crate) fn waited(&self, time: Duration) {
        if !time.is_zero() {
            self.waits.fetch_add(1, Ordering::Relaxed);
            let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
        }
    }

    pub(crate) fn refused(&self, cause: Cause) {
        let counter = match cause {
            Cause::Slow => &self.slow,
            Cause::Stopped => &self.stopped,
            Cause::Full => &self.full,
            Cause::Window => &self.window,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Throttled {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (slow, stopped, full, window) =
            (read(&self.slow), read(&self.stopped), read(&self.full), read(&self.window));
        Throttled {
            waits: read(&self.waits),
            time: Duration::from_micros(read(&self.microseconds)),
            refusals: slow + stopped + full + window,
            slow,
            stopped,
            full,
            window,
        }
    }
}
