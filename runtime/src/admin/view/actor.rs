//! What an actor does in this instance.

use std::collections::BTreeMap;
use std::time::SystemTime;

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::{ActorSnapshot, Depth, HotEntity, PartitionReport, WaitingEntity, Watch};
use crate::message::ShardReport;

/// All actors of the topology.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Actors")]
pub(in crate::admin) struct ActorList {
    actors: Vec<ActorView>,
}

/// What an actor does in this instance. Counts are since the process started.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Actor")]
pub(in crate::admin) struct ActorView {
    actor: String,
    /// What it may do: `working`, `paused`, `draining`, `probing`.
    control: &'static str,
    /// Why, if somebody said so.
    control_why: String,
    /// Messages of its stream that it has not done, in all instances; told by the one that reckons the stream, null in
    /// the others.
    queue_depth: Option<u64>,
    /// How old the oldest of them is; null when there is none, or another instance tells.
    lag_seconds: Option<f64>,
    /// Messages delivered and not settled.
    in_flight: u64,
    /// Attempts that run.
    running: u64,
    /// Messages that no lane has taken up: they wait in mailboxes, or behind others of their entity.
    waiting: u64,
    /// Entities that wait for the broker to take their effects or their dead letter.
    blocked: u64,
    /// Messages handled and acked.
    done: u64,
    /// Messages acked without handling, since their effect was there already.
    skipped: u64,
    failed_attempts: u64,
    dead_letters: u64,
    redeliveries: u64,
    interruptions: u64,
    stalls: u64,
    /// Partitions restarted.
    restarts: u64,
    /// The output for which nothing is taken in.
    intake_stopped_by: Option<String>,
    /// Whether a partition used up its restarts, so that its shard stands still.
    has_failed: bool,
}

/// An actor in detail.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::admin) struct ActorDetail {
    #[serde(flatten)]
    actor: ActorView,
    /// Attempts that failed, by cause.
    causes: BTreeMap<String, u64>,
    /// Dead letters written, by reason.
    reasons: BTreeMap<String, u64>,
    /// The shards that this instance has or wants.
    shards: Vec<ShardView>,
    /// The partitions that have something in hand.
    partitions: Vec<PartitionCounts>,
    /// The entities with most attempts, and those whose attempts take most time, in the last 30 to 60 seconds.
    hot: Vec<HotView>,
    /// The entities that have waited longest, 20 of them at most.
    waiting_entities: Vec<WaitView>,
}

/// An entity with much to do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HotEntity")]
struct HotView {
    key: String,
    partition: u32,
    /// At most and about; 0 when others had more.
    attempts: u64,
    /// How long they took together, at most and about; 0 when those of others took longer.
    seconds: f64,
}

/// An entity that does not go on.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WaitingEntity")]
struct WaitView {
    key: String,
    /// `retry`: it waits for its next attempt; `emit_blocked`, `state_blocked`, `dead_letter_blocked`,
    /// `attempt_blocked`: for the broker to take what it has.
    what: &'static str,
    /// The error.
    why: String,
    since_seconds: f64,
    /// In how many seconds it goes on; null when nobody knows.
    left_seconds: Option<f64>,
}

/// A shard that this instance has or wants.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Shard")]
struct ShardView {
    shard: u32,
    /// `waiting`, `taking over`, `working`, `draining`, `failed`.
    state: &'static str,
    /// How long it is in this state.
    since_seconds: f64,
    in_flight: u64,
    running: u64,
    done: u64,
    dead_letters: u64,
    /// How long ago a message was settled.
    progress_seconds: f64,
    /// The partition whose mailbox is full, so that nothing is pulled.
    held_up_by: Option<u32>,
}

/// What a partition has in hand.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PartitionCounts")]
struct PartitionCounts {
    shard: u32,
    partition: u32,
    in_flight: u64,
    running: u64,
    waiting: u64,
}

/// One partition, in all shards of the actor that this instance has.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Partition")]
pub(in crate::admin) struct PartitionView {
    actor: String,
    partition: u32,
    /// What it has in hand, by shard; a shard where that is nothing is left out.
    shards: Vec<PartitionCounts>,
    /// Those of the actor's hot entities that are in it.
    hot: Vec<HotView>,
}

impl ActorList {
    pub(in crate::admin) fn of(watch: &Watch) -> Self {
        let depths = watch.depths();
        let actors = watch.snapshot().into_iter();
        Self { actors: actors.map(|snapshot| ActorView::of(snapshot, &depths, watch)).collect() }
    }
}

impl ActorView {
    fn of(snapshot: ActorSnapshot, depths: &[(String, Depth)], watch: &Watch) -> Self {
        let depth = depths.iter().find(|(_, depth)| *depth.actor == snapshot.actor);
        let partitions = watch.partitions(&snapshot.actor).unwrap_or_default();
        let mut controls = watch.controls().into_iter();
        let control = controls.find(|controlled| controlled.actor == snapshot.actor).map(|it| it.control);
        Self {
            control: control.as_ref().map_or("working", |control| control.state.as_str()),
            control_why: control.map(|control| control.why).unwrap_or_default(),
            queue_depth: depth.map(|(_, depth)| depth.messages()),
            lag_seconds: depth.and_then(|(_, depth)| depth.lag).map(|lag| lag.as_secs_f64()),
            in_flight: snapshot.in_flight as u64,
            running: partitions.iter().map(|partition| partition.running).sum(),
            waiting: partitions.iter().map(|partition| partition.waiting).sum(),
            blocked: snapshot.blocked,
            done: snapshot.done,
            skipped: snapshot.skipped,
            failed_attempts: snapshot.failed_attempts,
            dead_letters: snapshot.dead_letters.iter().map(|(_, count)| count).sum(),
            redeliveries: snapshot.redeliveries,
            interruptions: snapshot.interruptions,
            stalls: snapshot.stalls,
            restarts: snapshot.restarts,
            intake_stopped_by: snapshot.intake_stopped_by,
            has_failed: snapshot.failed,
            actor: snapshot.actor,
        }
    }
}

impl ActorDetail {
    /// `None` when there is no such actor.
    pub(in crate::admin) fn of(actor: &str, watch: &Watch) -> Option<Self> {
        let snapshot = watch.snapshot().into_iter().find(|snapshot| snapshot.actor == actor)?;
        let named = |(name, count): &(&'static str, u64)| ((*name).to_owned(), *count);
        let reasons = snapshot.dead_letters.iter().map(|(reason, count)| (reason.to_string(), *count));
        Some(Self {
            causes: snapshot.causes.iter().map(named).collect(),
            reasons: reasons.collect(),
            shards: watch
                .shards()
                .iter()
                .filter(|report| *report.id.actor == *actor)
                .map(ShardView::of)
                .collect(),
            partitions: counts(watch.partitions(actor)?),
            hot: watch.hottest(actor).into_iter().map(HotView::of).collect(),
            waiting_entities: watch.waiting(actor).into_iter().map(WaitView::of).collect(),
            actor: ActorView::of(snapshot, &watch.depths(), watch),
        })
    }
}

impl HotView {
    fn of(entity: HotEntity) -> Self {
        let HotEntity { key, partition, attempts, time } = entity;
        Self { key, partition, attempts, seconds: time.as_secs_f64() }
    }
}

impl WaitView {
    fn of(entity: WaitingEntity) -> Self {
        let left = entity.until.map(|until| until.duration_since(SystemTime::now()).unwrap_or_default());
        Self {
            key: entity.key,
            what: entity.what,
            why: entity.why,
            since_seconds: seconds_since(entity.since),
            left_seconds: left.map(|left| left.as_secs_f64()),
        }
    }
}

impl ShardView {
    fn of(report: &ShardReport) -> Self {
        let full = report.fullest.as_ref().filter(|fullest| fullest.full_since.is_some());
        Self {
            shard: report.id.shard,
            state: report.state.as_str(),
            since_seconds: seconds_since(report.since),
            in_flight: report.in_flight,
            running: report.running,
            done: report.done,
            dead_letters: report.dead_letters,
            progress_seconds: seconds_since(report.last_progress),
            held_up_by: full.map(|fullest| fullest.partition),
        }
    }
}

impl PartitionView {
    /// `None` when there is no such actor.
    pub(in crate::admin) fn of(actor: &str, partition: u32, watch: &Watch) -> Option<Self> {
        let mut shards = counts(watch.partitions(actor)?);
        shards.retain(|counts| counts.partition == partition);
        let hot = watch.hottest(actor).into_iter().filter(|entity| entity.partition == partition);
        Some(Self { actor: actor.to_owned(), partition, shards, hot: hot.map(HotView::of).collect() })
    }
}

fn counts(reports: Vec<PartitionReport>) -> Vec<PartitionCounts> {
    let counts = |report: PartitionReport| {
        let PartitionReport { shard, partition, in_flight, running, waiting } = report;
        PartitionCounts { shard, partition, in_flight, running, waiting }
    };
    reports.into_iter().map(counts).collect()
}

fn seconds_since(time: SystemTime) -> f64 {
    time.elapsed().unwrap_or_default().as_secs_f64()
}
