//! The counters as metrics.

mod flow;

use super::runnable::{Queues, runnable};
use super::{Watch, Watched};
use crate::message::{ControlState, ShardState};
use crate::telemetry::metric::{self, Labels, Observations};

const STATES: [ShardState; 5] = [
    ShardState::Waiting,
    ShardState::TakingOver,
    ShardState::Working,
    ShardState::Draining,
    ShardState::Failed,
];

impl Watch {
    /// Tells all that is counted of actors and shards, and known of streams.
    pub fn observe(&self, observations: &mut Observations) {
        self.observe_actors(observations);
        self.observe_shards(observations);
        self.observe_flows(observations);
        self.observe_runnable(observations);
        self.observe_dead_letters(observations);
        self.observe_alerts(observations);
    }

    fn observe_actors(&self, observations: &mut Observations) {
        for actor in self.snapshot() {
            let name = || Labels::actor(&actor.actor);
            let dead: u64 = actor.dead_letters.iter().map(|(_, count)| count).sum();
            let ended = [("done", actor.done), ("already_applied", actor.skipped), ("dead_lettered", dead)];
            for (outcome, count) in ended {
                observations.whole(&metric::ENDED, name().outcome(outcome), count);
            }
            for (reason, count) in &actor.dead_letters {
                observations.whole(&metric::DEAD_LETTERS, name().reason(*reason), *count);
            }
            for (cause, count) in &actor.causes {
                observations.whole(&metric::FAILED_ATTEMPTS, name().cause(cause), *count);
            }
            let consumed = Labels::consumer(&actor.actor, "receive");
            observations.whole(&metric::CONSUMED, consumed, actor.delivered);
            observations.whole(&metric::SENT, Labels::publisher(&actor.actor), actor.offered);
            for (instrument, value) in [
                (&metric::BLOCKED, actor.blocked),
                (&metric::REDELIVERIES, actor.redeliveries),
                (&metric::INTERRUPTIONS, actor.interruptions),
                (&metric::STALLS, actor.stalls),
                (&metric::RESTARTS, actor.restarts),
                (&metric::FAILED, u64::from(actor.failed)),
                (&metric::IN_FLIGHT, actor.in_flight as u64),
            ] {
                observations.whole(instrument, name(), value);
            }
        }
    }

    /// Of what waits in a stream only the instance tells that reckons it, so that all instances add up.
    fn observe_runnable(&self, observations: &mut Observations) {
        let depths = self.depths();
        for watched in &self.actors {
            let (mut queues, mut in_flight) = (Queues::default(), 0);
            for shard in &watched.shards {
                let of_shard = shard.queues();
                queues.all += of_shard.all;
                queues.resting += of_shard.resting;
                in_flight += shard.in_flight() as u64;
            }
            let depth = depths.iter().find(|(_, depth)| *depth.actor == *watched.helm.actor());
            let control = watched.helm.control().borrow().state;
            // What is held up by an output, or was told to stop, would be so in any instance.
            let waiting = match depth {
                Some((_, depth)) if control == ControlState::Working && !is_held_up(watched) => depth.waiting,
                _ => 0,
            };
            let count = match control {
                ControlState::Working | ControlState::Draining => runnable(queues, in_flight, waiting),
                ControlState::Paused | ControlState::Probing | ControlState::Unknown => 0,
            };
            observations.whole(&metric::RUNNABLE, Labels::actor(watched.helm.actor()), count);
        }
    }

    /// Of the dead letters of an actor only the instance tells that has its first shard, or is to have it.
    fn observe_dead_letters(&self, observations: &mut Observations) {
        for watched in &self.actors {
            let is_ours = watched.shards.first().is_some_and(|shard| shard.report().is_some());
            if is_ours && let Some(held) = watched.helm.held() {
                observations.whole(&metric::DEAD_LETTERS_HELD, Labels::actor(watched.helm.actor()), held);
            }
        }
    }

    fn observe_alerts(&self, observations: &mut Observations) {
        for alert in self.alerts() {
            let labels = Labels::actor(&alert.actor).alert(alert.name);
            observations.whole(&metric::ALERT_RAISED, labels, 1);
        }
    }

    fn observe_shards(&self, observations: &mut Observations) {
        for watched in &self.actors {
            let name = || Labels::actor(watched.helm.actor());
            let reports: Vec<_> = watched.shards.iter().filter_map(|shard| shard.report()).collect();
            for state in STATES {
                let count = reports.iter().filter(|report| report.state == state).count() as u64;
                observations.whole(&metric::SHARDS, name().shard_state(state), count);
            }
            let running = reports.iter().map(|report| report.running).sum();
            observations.whole(&metric::RUNNING, name(), running);

            let held = || watched.shards.iter().flat_map(|shard| shard.held().into_values());
            observations.whole(&metric::WAITING, name(), held().map(|held| held.waiting).sum());
            let renewals = watched.shards.iter().map(|shard| shard.renewals()).sum();
            observations.whole(&metric::HEARTBEATS, name(), renewals);

            let bytes: Vec<_> = watched.shards.iter().map(|shard| shard.bytes()).collect();
            observations.whole(&metric::IN_FLIGHT_BYTES, name(), bytes.iter().map(|(used, _)| used).sum());
            observations.whole(&metric::IN_FLIGHT_LIMIT, name(), bytes.iter().map(|(_, limit)| limit).sum());

            let mut stood = 0.0;
            for shard in &watched.shards {
                let (in_all, held_up_by) = shard.standstill.stood();
                stood += in_all.as_secs_f64();
                if let Some((partition, since)) = held_up_by {
                    let labels = name().partition(partition);
                    observations.real(&metric::MAILBOX_FULL, labels, since.elapsed().as_secs_f64());
                }
            }
            observations.real(&metric::MAILBOX_FULL_TIME, name(), stood);
        }
    }
}

fn is_held_up(watched: &Watched) -> bool {
    watched.status.intake_stopped().is_some()
}
