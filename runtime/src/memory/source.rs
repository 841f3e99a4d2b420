//! The consumer of the broker in memory.

use tokio::time::Instant;

use super::{MemoryBroker, receipt_of};
use crate::port::{Arrival, Arrivals, BoxFuture, Pending, Room, Source, SourceError};

/// Pulls from a [`MemoryBroker`].
#[derive(Debug)]
pub struct MemorySource {
    broker: MemoryBroker,
    /// What was asked for and has not arrived.
    asked: usize,
    closed: bool,
}

impl MemorySource {
    /// A source that has asked for nothing yet.
    pub fn new(broker: &MemoryBroker) -> Self {
        Self { broker: broker.clone(), asked: 0, closed: false }
    }

    fn take(&mut self) -> Result<Option<Arrivals>, SourceError> {
        let mut state = self.broker.lock();
        let batch = state.deliverable(self.asked, Instant::now());
        self.asked -= batch.len();
        let mut arrivals: Arrivals = batch
            .into_iter()
            .map(|(message, delivered)| Arrival { delivered, receipt: receipt_of(message.sequence), message })
            .collect();
        match state.interrupt {
            Some(kept) if arrivals.len() > kept && kept > 0 => {
                arrivals.truncate(kept);
                state.interrupt = Some(0);
            }
            Some(_) if !arrivals.is_empty() || state.interrupt == Some(0) => {
                state.interrupt = None;
                self.asked = 0;
                return Err(SourceError::Interrupted("on request".to_owned()));
            }
            Some(_) | None => {}
        }
        Ok((!arrivals.is_empty()).then_some(arrivals))
    }
}

impl Source for MemorySource {
    fn acquire(&mut self) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        Box::pin(async {
            self.closed = false;
            Ok(Arrivals::new())
        })
    }

    fn evict(&mut self) -> BoxFuture<'_, Result<bool, SourceError>> {
        Box::pin(std::future::ready(Ok(false)))
    }

    fn release(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn next(&mut self, room: Room) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        Box::pin(async move {
            if self.closed {
                return Ok(Arrivals::new());
            }
            self.asked = self.asked.max(room.messages);
            loop {
                let changed = std::sync::Arc::clone(&self.broker.changed);
                let changed = changed.notified();
                if let Some(arrivals) = self.take()? {
                    return Ok(arrivals);
                }
                let expiry = self.broker.lock().next_expiry();
                match expiry {
                    Some(at) if self.asked > 0 => drop(tokio::time::timeout_at(at, changed).await),
                    Some(_) | None => changed.await,
                }
            }
        })
    }

    fn pending(&mut self) -> BoxFuture<'_, Result<Pending, SourceError>> {
        Box::pin(async move {
            self.asked = 0;
            let state = self.broker.lock();
            let last = state.next - 1;
            let floor = state.pending.keys().next().map_or(last, |lowest| lowest - 1);
            Ok(Pending { floor, last, count: state.pending.len() as u64 })
        })
    }

    fn claim<'a>(&'a mut self, sequences: &'a [u64]) -> BoxFuture<'a, Result<(), SourceError>> {
        Box::pin(async move {
            let mut state = self.broker.lock();
            for sequence in sequences {
                if state.pending.contains_key(sequence) && !state.redeliver.contains(sequence) {
                    state.redeliver.push_back(*sequence);
                }
            }
            Ok(())
        })
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.closed = true })
    }
}
