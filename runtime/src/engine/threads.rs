//! The threads that partitions run on: one actix arbiter per core, each with a pulse that the watchdog feels.

use std::sync::Arc;

use actix::{Arbiter, ArbiterHandle};

use super::watchdog::Pulse;

/// One thread and its pulse.
pub(crate) type Thread = (ArbiterHandle, Arc<Pulse>);

/// Arbiters to run partitions on.
#[derive(Debug)]
pub struct Threads {
    /// Empty when the partitions run on the current thread.
    owned: Vec<Arbiter>,
    handles: Vec<ArbiterHandle>,
}

impl Threads {
    /// Starts `count` threads. Must be called inside an actix system.
    pub fn start(count: usize) -> Self {
        let owned: Vec<Arbiter> = (0..count.max(1)).map(|_| Arbiter::new()).collect();
        let handles = owned.iter().map(Arbiter::handle).collect();
        Self { owned, handles }
    }

    /// Uses the current thread for everything, so that a test can pause the clock.
    pub fn current() -> Self {
        Self { owned: Vec::new(), handles: vec![Arbiter::current()] }
    }

    /// Takes the pulse of each thread from here on. `actors` are the names that blame is laid by.
    pub(crate) fn with_pulses(&self, actors: &Arc<[Arc<str>]>) -> Vec<Thread> {
        let with_pulse = self.handles.iter().map(|handle| {
            let pulse = Arc::new(Pulse::new(Arc::clone(actors)));
            handle.spawn(Arc::clone(&pulse).beat());
            (handle.clone(), pulse)
        });
        with_pulse.collect()
    }

    /// Stops the threads once all partitions have drained; tasks still on them are dropped where they stand.
    pub(crate) fn stop(self) {
        for arbiter in self.owned {
            arbiter.stop();
        }
    }
}
