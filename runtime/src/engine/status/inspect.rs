//! What is in hand, partition by partition.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::{Watch, Watched};
use crate::engine::lanes::{HotEntity, WaitingEntity};
use crate::engine::ledger::Held;
use crate::message::{ActorReport, HotReport, WaitReport};

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

    /// What stands out in the actors of whose shards this instance has any.
    pub(super) fn outstanding(&self) -> Vec<ActorReport> {
        let is_here = |watched: &&Watched| watched.shards.iter().any(|shard| shard.state().is_some());
        let reports = self.actors.iter().filter(is_here).map(Watched::outstanding);
        reports.filter(|report| !report.is_empty()).collect()
    }
}

impl Watched {
    fn outstanding(&self) -> ActorReport {
        let hot = self
            .heat
            .standing_out()
            .into_iter()
            .map(|HotEntity { key, attempts, time, .. }| HotReport { key, attempts, took_ms: millis(time) });
        let now = SystemTime::now();
        let waiting = self.waits.longest().into_iter().map(|wait| WaitReport {
            for_ms: millis(now.duration_since(wait.since).unwrap_or_default()),
            left_ms: wait.until.map(|until| millis(until.duration_since(now).unwrap_or_default())),
            key: wait.key,
            what: wait.what.to_owned(),
            why: wait.why,
        });
        let p99 = self.status.pace.p99();
        let report = ActorReport {
            actor: self.helm.actor().to_owned(),
            p99_us: p99.map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)),
            waits: self.waits.count(),
            hot: hot.collect(),
            waiting: waiting.collect(),
        };
        report.cut()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
