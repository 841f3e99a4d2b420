//! What is in hand, partition by partition.

use serde::Serialize;

use super::Watch;
use crate::engine::lanes::{HotEntity, WaitingEntity};
use crate::engine::ledger::Held;

/// What one partition of a shard has in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PartitionReport {
    /// Which of the actor's shards.
    pub shard: u32,
    /// Which partition of the shard.
    pub partition: u32,
    /// Messages delivered and not settled.
    pub in_flight: u64,
    /// Attempts that run.
    pub running: u64,
    /// Messages that no lane has taken up: they wait in the mailbox, or behind others of their entity.
    pub waiting: u64,
}

impl Watch {
    /// The partitions of an actor that have something in hand; `None` when there is no such actor.
    pub fn partitions(&self, actor: &str) -> Option<Vec<PartitionReport>> {
        let watched = self.actors.iter().find(|watched| *watched.helm.actor() == *actor)?;
        let reports = watched.shards.iter().flat_map(|shard| {
            let number = shard.id().shard;
            shard.held().into_iter().map(move |(partition, held)| {
                let Held { in_flight, running, waiting } = held;
                PartitionReport { shard: number, partition: partition.0, in_flight, running, waiting }
            })
        });
        Some(reports.collect())
    }

    /// The entities of an actor that have most to do in this instance.
    pub fn hottest(&self, actor: &str) -> Vec<HotEntity> {
        let watched = self.actors.iter().find(|watched| *watched.helm.actor() == *actor);
        watched.map(|watched| watched.heat.hottest()).unwrap_or_default()
    }

    /// The entities of an actor that have waited longest in this instance.
    pub fn waiting(&self, actor: &str) -> Vec<WaitingEntity> {
        let watched = self.actors.iter().find(|watched| *watched.helm.actor() == *actor);
        watched.map(|watched| watched.waits.longest()).unwrap_or_default()
    }
}
