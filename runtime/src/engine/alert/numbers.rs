//! The numbers of one actor, as far as this instance knows them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::recent::Recent;
use crate::engine::control::Helm;
use crate::engine::flow::Depth;
use crate::engine::membership::Assignment;
use crate::engine::status::{ActorStatus, ShardStatus};
use crate::message::{AlertName, ControlState, ShardReport, ShardState};

/// Reads them.
pub(super) struct Numbers {
    helm: Arc<Helm>,
    status: Arc<ActorStatus>,
    shards: Vec<Arc<ShardStatus>>,
    slowest: Recent,
    dead: Recent,
    /// What had been done of a shard when something last was, and when that was seen.
    progress: BTreeMap<u32, (u64, Instant)>,
    stood: f64,
}

impl Numbers {
    pub(super) fn new(helm: Arc<Helm>, status: Arc<ActorStatus>, shards: Vec<Arc<ShardStatus>>) -> Self {
        Self {
            helm,
            status,
            shards,
            slowest: Recent::default(),
            dead: Recent::default(),
            progress: BTreeMap::new(),
            stood: 0.0,
        }
    }

    pub(super) fn actor(&self) -> &str {
        self.helm.actor()
    }

    /// Takes note of what has happened since the last look.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(super) fn look(&mut self, now: Instant) {
        self.slowest.add(self.status.take_slowest().as_secs_f64(), now);
        self.dead.add(self.status.dead() as f64, now);
        self.stood = self.shards_stood(now);
    }

    /// One of them; `None` where another instance knows it.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(super) fn value(
        &self,
        name: AlertName,
        depth: Option<&Depth>,
        assignment: &Assignment,
    ) -> Option<f64> {
        match name {
            AlertName::QueueDepth => depth.map(|depth| depth.messages() as f64),
            AlertName::Lag => depth.map(|depth| depth.lag.unwrap_or_default().as_secs_f64()),
            AlertName::Processing => Some(self.slowest.highest()),
            AlertName::DeadLetters => {
                let first =
                    assignment.mine.iter().any(|mine| *mine.actor == *self.actor() && mine.shard == 0);
                self.helm.held().filter(|_| first).map(|held| held as f64)
            }
            AlertName::DeadLetterRate => Some(self.dead.growth()),
            AlertName::Blocked => Some(self.status.blocked_for().as_secs_f64()),
            AlertName::Stalled => Some(self.stood),
            AlertName::Unknown => None,
        }
    }

    /// How long the shard has stood still that has done so longest.
    fn shards_stood(&mut self, now: Instant) -> f64 {
        let may_work =
            matches!(self.helm.control().borrow().state, ControlState::Working | ControlState::Draining);
        // What waits for the broker has an alert of its own.
        let is_free = may_work && self.status.blocked_for().is_zero();
        let failed = self.status.failed_attempts();
        let mut longest = 0.0_f64;
        for shard in &self.shards {
            let report = shard.report().filter(|report| is_free && is_due(report));
            let Some(report) = report else {
                self.progress.remove(&shard.id().shard);
                continue;
            };
            // An attempt that failed is something that was done.
            let done = report.done + report.dead_letters + failed;
            let progress = self.progress.entry(report.id.shard).or_insert((done, now));
            if progress.0 != done {
                *progress = (done, now);
            }
            longest = longest.max((now - progress.1).as_secs_f64());
        }
        longest
    }
}

/// Whether something should be done of a shard.
fn is_due(report: &ShardReport) -> bool {
    match report.state {
        ShardState::Failed | ShardState::TakingOver => true,
        ShardState::Working => report.in_flight > 0,
        // The server lets nobody pull before there is something to deliver.
        ShardState::Waiting | ShardState::Draining | ShardState::Unknown => false,
    }
}
