//! What is read off the process in one go, for all instruments that are not recorded.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::instrument::Instrument;
use super::label::Labels;

/// For how long a reading serves: the instruments of one collection are asked one after the other, and are to tell of
/// the same moment.
const FRESH: Duration = Duration::from_millis(10);

/// The values of many instruments at one moment.
#[derive(Debug, Default)]
pub struct Observations(HashMap<&'static str, Vec<(Labels, f64)>>);

impl Observations {
    /// Notes a value.
    pub fn real(&mut self, instrument: &Instrument, labels: Labels, value: f64) {
        self.0.entry(instrument.name).or_default().push((labels, value));
    }

    /// Notes a value that is a whole number.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, and counts that far take 28,000 years")]
    pub fn whole(&mut self, instrument: &Instrument, labels: Labels, value: u64) {
        self.real(instrument, labels, value as f64);
    }

    /// The values of one instrument.
    pub fn of(&self, instrument: &Instrument) -> &[(Labels, f64)] {
        self.0.get(instrument.name).map_or(&[], Vec::as_slice)
    }
}

/// Adds what it knows to the observations.
pub(super) type Source = Box<dyn Fn(&mut Observations) + Send + Sync>;

/// All that can be read.
#[derive(Default)]
pub(super) struct Sources {
    sources: Mutex<Vec<Source>>,
    recent: Mutex<Option<(Instant, Arc<Observations>)>>,
}

impl Sources {
    pub(super) fn add(&self, source: Source) {
        lock(&self.sources).push(source);
        self.forget();
    }

    /// What is known at this moment, or was a moment ago.
    pub(super) fn read(&self) -> Arc<Observations> {
        let mut recent = lock(&self.recent);
        if let Some((_, observations)) = recent.as_ref().filter(|(read, _)| read.elapsed() < FRESH) {
            return Arc::clone(observations);
        }
        let mut observations = Observations::default();
        for source in lock(&self.sources).iter() {
            source(&mut observations);
        }
        let observations = Arc::new(observations);
        *recent = Some((Instant::now(), Arc::clone(&observations)));
        observations
    }

    /// Makes the next reading a new one.
    pub(super) fn forget(&self) {
        *lock(&self.recent) = None;
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
