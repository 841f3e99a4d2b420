//! How much of a stream waits for each actor that reads it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::port::Reading;

/// What waits for an actor, in all its shards together.
#[derive(Debug, Clone, PartialEq)]
pub struct Depth {
    /// The actor.
    pub actor: Arc<str>,
    /// Messages that were never delivered.
    pub waiting: u64,
    /// Messages that were delivered and are not settled.
    pub unsettled: u64,
    /// How long ago the oldest of both was stored, by the clock of the broker; `None` when there is none.
    pub lag: Option<Duration>,
    /// How many deliveries there were, repeated ones included.
    pub(super) deliveries: u64,
}

impl Depth {
    /// All that is not done.
    pub fn messages(&self) -> u64 {
        self.waiting + self.unsettled
    }

    /// Of all actors, by name.
    pub(super) fn of_all(reading: &Reading) -> Vec<Self> {
        let mut depths: BTreeMap<Arc<str>, Self> = BTreeMap::new();
        for reader in &reading.readers {
            let actor = &reader.shard.actor;
            let depth = depths.entry(Arc::clone(actor)).or_insert_with(|| Self {
                actor: Arc::clone(actor),
                waiting: 0,
                unsettled: 0,
                lag: None,
                deliveries: 0,
            });
            depth.waiting += reader.waiting;
            depth.unsettled += reader.unsettled;
            depth.deliveries += reader.deliveries;
            let lag = reader.oldest.map(|oldest| reading.at.duration_since(oldest).unwrap_or_default());
            depth.lag = depth.lag.max(lag);
        }
        depths.into_values().collect()
    }
}
