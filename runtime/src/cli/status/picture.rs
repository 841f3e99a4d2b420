//! Instances and shards put together from what the server tells. Pure.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::actor::Actor;
use super::evidence::{Consumer, Evidence};
use super::stream::Stream;
use super::{age, findings};
use crate::message::{Control, ControlState, Member, MemberState, ShardId, ShardReport, ShardState};
use crate::nats::StoredControl;

/// How the work of a topology is shared.
///
/// No age depends on the clock of an instance: an entry's age is the server's, and within an entry all times are of one
/// clock.
#[derive(Debug, Serialize)]
pub(super) struct Picture {
    pub(super) topology: String,
    /// After this many seconds of silence an instance counts as dead.
    #[serde(serialize_with = "age::seconds", rename = "failover_seconds")]
    pub(super) failover: Duration,
    pub(super) instances: Vec<Instance>,
    pub(super) shards: Vec<Shard>,
    /// What stands out in actors at work.
    pub(super) actors: Vec<Actor>,
    pub(super) streams: Vec<Stream>,
    /// Actors that were told to do something else than to work.
    pub(super) controls: Vec<Stopped>,
    /// What is wrong.
    pub(super) findings: Vec<String>,
}

/// An actor that was told to do something else than to work, or has told itself so.
#[derive(Debug, Serialize)]
pub(super) struct Stopped {
    pub(super) actor: String,
    pub(super) state: ControlState,
    /// How long ago that was said.
    #[serde(serialize_with = "age::seconds", rename = "since_seconds")]
    pub(super) since: Duration,
    pub(super) why: String,
    pub(super) by: String,
}

/// An instance that has not left.
#[derive(Debug, Serialize)]
pub(super) struct Instance {
    #[serde(rename = "instance")]
    pub(super) id: String,
    pub(super) host: String,
    pub(super) pid: u32,
    pub(super) version: String,
    pub(super) fingerprint: String,
    pub(super) state: &'static str,
    pub(super) reason: Option<String>,
    /// How long the process has run.
    #[serde(serialize_with = "age::seconds", rename = "up_seconds")]
    pub(super) up: Duration,
    /// How long ago it was last heard.
    #[serde(serialize_with = "age::seconds", rename = "seen_seconds")]
    pub(super) seen: Duration,
    /// Whether that is longer than instances may be silent.
    pub(super) is_silent: bool,
    #[serde(skip)]
    pub(super) member: Member,
}

/// A shard of an actor, and who has it.
#[derive(Debug, Serialize)]
pub(super) struct Shard {
    #[serde(flatten)]
    pub(super) id: ShardId,
    pub(super) stream: String,
    /// Messages that were never delivered, by the server; `None` when there is no consumer.
    pub(super) waiting: Option<u64>,
    /// Messages delivered and not settled, by the server.
    pub(super) unsettled: Option<u64>,
    pub(super) owner: Option<Owner>,
    /// Who waits for it.
    pub(super) successors: Vec<String>,
}

impl Shard {
    /// Whether nothing waits and nothing is unsettled.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting == Some(0) && self.unsettled == Some(0)
    }
}

/// What the owner of a shard says about it.
#[derive(Debug, Serialize)]
pub(super) struct Owner {
    pub(super) instance: String,
    pub(super) state: &'static str,
    /// How long it is in this state.
    #[serde(serialize_with = "age::seconds", rename = "since_seconds")]
    pub(super) since: Duration,
    pub(super) in_flight: u64,
    pub(super) running: u64,
    pub(super) done: u64,
    pub(super) dead_letters: u64,
    /// How long ago it settled a message.
    #[serde(serialize_with = "age::seconds", rename = "progress_seconds")]
    pub(super) progress: Duration,
    /// The output for which the actor takes nothing in.
    pub(super) intake_stopped_by: Option<String>,
    pub(super) is_silent: bool,
}

impl Picture {
    /// Puts it together.
    pub(super) fn of(evidence: &Evidence) -> Self {
        let mut instances: Vec<Instance> = evidence
            .entries
            .iter()
            .filter_map(|entry| {
                let seen = age::between(entry.stored, evidence.now);
                Some(Instance::of(entry.member()?, seen, evidence.failover))
            })
            .collect();
        instances.sort_by(|one, other| one.id.cmp(&other.id));
        let shards = evidence.consumers.iter().map(|consumer| Shard::of(consumer, &instances)).collect();
        let mut picture = Self {
            topology: evidence.topology.clone(),
            failover: evidence.failover,
            actors: Actor::all(&instances),
            instances,
            shards,
            controls: evidence
                .controls
                .iter()
                .filter_map(|stored| Stopped::of(stored, evidence.now))
                .collect(),
            streams: evidence.flows.iter().map(|stored| Stream::of(stored, evidence.now)).collect(),
            findings: Vec::new(),
        };
        picture.findings = findings::all(&picture);
        picture.findings.extend(findings::unreadable(&evidence.entries));
        picture
    }
}

impl Stopped {
    fn of(stored: &StoredControl, now: SystemTime) -> Option<Self> {
        let Control { state, why, by, .. } = stored.control.clone();
        let since = age::between(stored.at, now);
        (state != ControlState::Working).then(|| Self { actor: stored.actor.clone(), state, since, why, by })
    }
}

impl Instance {
    fn of(member: Member, seen: Duration, failover: Duration) -> Self {
        Self {
            id: member.instance.to_string(),
            host: member.host.clone(),
            pid: member.pid,
            version: member.version.clone(),
            fingerprint: member.fingerprint.clone(),
            state: member.state.as_str(),
            reason: member.reason.clone().filter(|_| member.state == MemberState::Standby),
            up: seen + age::between(member.started, member.written),
            seen,
            is_silent: seen >= failover,
            member,
        }
    }

    /// What it says about a shard.
    pub(super) fn report(&self, shard: &ShardId) -> Option<&ShardReport> {
        self.member.shards.iter().find(|report| report.id == *shard)
    }
}

impl Shard {
    /// Of several that say they have it, the one that was heard last is shown; the findings name all.
    fn of(consumer: &Consumer, instances: &[Instance]) -> Self {
        let reports = || {
            let of = |instance| Instance::report(instance, &consumer.shard).map(|report| (instance, report));
            instances.iter().filter_map(of)
        };
        let owner = reports().filter(|(_, report)| report.state.is_owner());
        let waits = reports()
            .filter(|(instance, report)| report.state == ShardState::Waiting && !instance.is_silent)
            .map(|(instance, _)| instance.id.clone());
        Self {
            id: consumer.shard.clone(),
            stream: consumer.stream.clone(),
            waiting: consumer.backlog.map(|backlog| backlog.waiting),
            unsettled: consumer.backlog.map(|backlog| backlog.unsettled),
            owner: owner
                .min_by_key(|(instance, _)| instance.seen)
                .map(|(instance, report)| Owner::of(instance, report)),
            successors: waits.collect(),
        }
    }
}

impl Owner {
    fn of(instance: &Instance, report: &ShardReport) -> Self {
        let since = |time| instance.seen + age::between(time, instance.member.written);
        Self {
            instance: instance.id.clone(),
            state: report.state.as_str(),
            since: since(report.since),
            in_flight: report.in_flight,
            running: report.running,
            done: report.done,
            dead_letters: report.dead_letters,
            progress: since(report.last_progress),
            intake_stopped_by: report.intake_stopped.as_ref().map(|stopped| stopped.stream.clone()),
            is_silent: instance.is_silent,
        }
    }
}
