//! The gates of all streams of a topology.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::time::Instant;

use crate::flow::Flow;
use crate::gate::Gate;

/// A gate for each stream that the flow has ever told of.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    gates: RwLock<Vec<Arc<Gate>>>,
    closed: Arc<AtomicUsize>,
}

impl Gates {
    /// Whether all are open: all that who publishes to an open stream ever asks.
    pub(crate) fn are_open(&self) -> bool {
        self.closed.load(Ordering::Acquire) == 0
    }

    /// The gate of the stream that takes `subject`, if it is known.
    pub(crate) fn find(&self, subject: &str) -> Option<Arc<Gate>> {
        self.find_by(|gate| gate.takes(subject))
    }

    /// The gate of this stream.
    pub(crate) fn of(&self, stream: &str) -> Option<Arc<Gate>> {
        self.find_by(|gate| gate.stream == stream)
    }

    /// Takes over what holds from here on.
    pub(crate) fn set(&self, stream: &str, flow: Option<Arc<Flow>>) {
        let gate = self.of(stream).unwrap_or_else(|| {
            let gate = Arc::new(Gate::new(stream.to_owned(), Arc::clone(&self.closed)));
            self.gates.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&gate));
            gate
        });
        gate.set(flow);
    }

    /// Nothing is known any more.
    pub(crate) fn open_all(&self) {
        self.each(|gate| gate.set(None));
    }

    /// Gives turns for the time that has passed.
    pub(crate) fn tick(&self, now: Instant) {
        self.each(|gate| gate.tick(now));
    }

    /// Follows which part of what the streams store is ours.
    pub(crate) fn measure(&self, now: Instant) {
        self.each(|gate| gate.measure(now));
    }

    fn find_by(&self, is_it: impl Fn(&Gate) -> bool) -> Option<Arc<Gate>> {
        let gates = self.gates.read().unwrap_or_else(PoisonError::into_inner);
        gates.iter().find(|gate| is_it(gate)).map(Arc::clone)
    }

    fn each(&self, act: impl Fn(&Gate)) {
        let gates = self.gates.read().unwrap_or_else(PoisonError::into_inner);
        gates.iter().for_each(|gate| act(gate));
    }
}
