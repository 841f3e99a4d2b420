//! What goes out of the engine into the broker in memory: settlements, emits, state.

use bytes::Bytes;

use super::{MemoryBroker, sequence_of};
use crate::port::{
    BoxFuture, Entry, Outbound, Receipt, Revision, Settle, Settlement, Sink, SinkError, Store, StoreError,
};

impl Settle for MemoryBroker {
    fn settle<'a>(&'a self, receipt: &'a Receipt, settlement: Settlement) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.lock().settle(sequence_of(receipt), settlement);
            self.changed.notify_waiters();
        })
    }

    fn flush(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl Sink for MemoryBroker {
    fn publish<'a>(&'a self, outbound: &'a Outbound) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(async move {
            let mut state = self.lock();
            if state.refuse_publishes > 0 {
                state.refuse_publishes -= 1;
                return Err(SinkError::Full { subject: outbound.subject.clone() });
            }
            if state.ids.insert(outbound.id.clone()) {
                state.settled.outbox.push(outbound.clone());
            }
            Ok(())
        })
    }
}

impl Store for MemoryBroker {
    fn load<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move { Ok(self.lock().bucket.get(key).cloned()) })
    }

    fn save<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expected: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, StoreError>> {
        Box::pin(async move {
            let mut state = self.lock();
            if state.bucket.get(key).map(|entry| entry.revision) != expected {
                return Err(StoreError::Conflict);
            }
            state.revision += 1;
            let revision = Revision(state.revision);
            state.bucket.insert(key.to_owned(), Entry { value, revision });
            Ok(revision)
        })
    }
}
