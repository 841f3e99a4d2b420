//! Who owned a shard last: a record that every new owner replaces, so that an old one finds out that it was replaced.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::message::{InstanceId, ShardId};
use crate::port::{Revision, Store, StoreError};

/// One instance's side of the record of one shard.
pub(crate) struct Title {
    store: Arc<dyn Store>,
    key: String,
    instance: InstanceId,
    /// The revision that we wrote last.
    ours: Option<Revision>,
}

/// What the record says to a new owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nobody else has owned the shard since we wrote it: what is in our hands is still ours alone.
    Unbroken,
    /// Somebody else may have: what is in our hands may be in theirs, too.
    New,
}

/// The record, readable with `nats kv get`.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    instance: InstanceId,
    /// How often the shard has changed its owner, from 1.
    tenure: u64,
}

impl Title {
    pub(crate) fn new(store: Arc<dyn Store>, shard: &ShardId, instance: InstanceId) -> Self {
        Self { store, key: format!("{}.{}", shard.actor, shard.shard), instance, ours: None }
    }

    /// Writes ourselves down as the owner, once the broker lets nobody else pull.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another instance does the same: only one of the two is pinned, so look again.
    pub(crate) async fn take(&mut self) -> Result<Standing, StoreError> {
        let entry = self.store.load(&self.key).await?;
        let revision = entry.as_ref().map(|entry| entry.revision);
        if revision.is_some() && revision == self.ours {
            return Ok(Standing::Unbroken);
        }
        let before = entry.and_then(|entry| serde_json::from_slice::<Record>(&entry.value).ok());
        let tenure = before.map_or(0, |record| record.tenure) + 1;
        let record = Record { instance: self.instance.clone(), tenure };
        let value = Bytes::from(serde_json::to_vec(&record).expect("a record is JSON"));
        self.ours = Some(self.store.save(&self.key, value, revision).await?);
        Ok(Standing::New)
    }
}

impl std::fmt::Debug for Title {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Title").field("key", &self.key).field("ours", &self.ours).finish_non_exhaustive()
    }
}
