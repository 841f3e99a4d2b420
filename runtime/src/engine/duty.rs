//! Which shards this instance is to own, as the members have agreed.

use std::time::Duration;

use tokio::sync::watch;

use super::membership::Assignment;
use crate::message::ShardId;

/// One shard's view of the assignment.
#[derive(Debug, Clone)]
pub(crate) struct Duty {
    shard: ShardId,
    assignment: watch::Receiver<Assignment>,
}

impl Duty {
    pub(crate) fn new(shard: ShardId, assignment: watch::Receiver<Assignment>) -> Self {
        Self { shard, assignment }
    }

    pub(crate) fn shard(&self) -> &ShardId {
        &self.shard
    }

    /// Waits until the shard is ours. Cancel safe.
    pub(crate) async fn assigned(&mut self) {
        let Self { shard, assignment } = self;
        until(assignment, |assignment| assignment.mine.contains(shard)).await;
    }

    /// Waits until the shard is another's. Cancel safe.
    pub(crate) async fn relieved(&mut self) {
        let Self { shard, assignment } = self;
        until(assignment, |assignment| !assignment.mine.contains(shard)).await;
    }

    /// Waits until for so long no other instance that lives has said that the shard is its own. Cancel safe.
    pub(crate) async fn orphaned(&self, patience: Duration) {
        let Self { shard, mut assignment } = self.clone();
        loop {
            until(&mut assignment, |assignment| !assignment.held.contains(&shard)).await;
            let held = until(&mut assignment, |assignment| assignment.held.contains(&shard));
            if tokio::time::timeout(patience, held).await.is_err() {
                return;
            }
        }
    }

    /// Waits until other instances are at work, too. Cancel safe.
    pub(crate) async fn contested(&mut self) {
        until(&mut self.assignment, |assignment| assignment.is_contested).await;
    }
}

/// An assignment that nobody maintains any more stays as it is.
async fn until(assignment: &mut watch::Receiver<Assignment>, is_so: impl FnMut(&Assignment) -> bool) {
    if assignment.wait_for(is_so).await.is_err() {
        std::future::pending::<()>().await;
    }
}
