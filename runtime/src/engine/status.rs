//! What the engine tells about itself: counters that anyone may read, written without locks.

mod health;
mod inspect;
mod intake;
mod observe;
mod pace;
mod runnable;
mod shard;
mod standstill;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use tokio::sync::watch;
use tokio::time::Instant;

pub(crate) use self::health::Patience;
pub use self::health::Trouble;
pub use self::inspect::PartitionReport;
use self::intake::Intake;
use self::pace::Pace;
pub(crate) use self::runnable::Queues;
pub(crate) use self::shard::ShardStatus;
use super::control::Helm;
use super::counter::Counter;
use super::flow::{Board, Depth};
use super::lanes::{Thermometers, Waits};
use super::watchdog::Pulse;
use crate::message::{Alert, Cause, Flow, IntakeStopped, Reason, ShardReport, WorkReport};
use crate::port::Controlled;

/// The counters of one actor.
#[derive(Debug, Default)]
pub(crate) struct ActorStatus {
    done: Counter,
    skipped: AtomicU64,
    delivered: Counter,
    offered: Counter,
    failed_attempts: [AtomicU64; Cause::NAMES.len()],
    dead_letters: [AtomicU64; Reason::ALL.len()],
    restarts: AtomicU64,
    blocked: AtomicU64,
    /// Since when some entity is blocked.
    blocked_since: Mutex<Option<Instant>>,
    /// The slowest attempt since it was last asked for, in nanoseconds.
    slowest: AtomicU64,
    pace: Pace,
    redeliveries: AtomicU64,
    interruptions: AtomicU64,
    stalls: AtomicU64,
    failed: AtomicBool,
    intake: Intake,
}

/// The counters of one actor at one moment, since the process started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ActorSnapshot {
    /// The actor.
    pub actor: String,
    /// Messages handled and acked.
    pub done: u64,
    /// Messages acked without handling, since their effect was there already.
    pub skipped: u64,
    /// Messages that the broker delivered, those that came again included.
    pub delivered: u64,
    /// Offers of emits and dead letters to their streams.
    pub offered: u64,
    /// Attempts that failed, whatever became of their messages.
    pub failed_attempts: u64,
    /// The same by cause, zeros left out.
    pub causes: Vec<(&'static str, u64)>,
    /// Attempts that ended in a panic.
    pub panics: u64,
    /// Attempts that took too long.
    pub timeouts: u64,
    /// Messages dead-lettered, by reason, zeros left out.
    pub dead_letters: Vec<(Reason, u64)>,
    /// Partitions restarted.
    pub restarts: u64,
    /// Entities that wait for the broker to take their effects or their dead letter.
    pub blocked: u64,
    /// Messages that the broker delivered more than once.
    pub redeliveries: u64,
    /// How often the way from the broker was interrupted.
    pub interruptions: u64,
    /// How often nothing moved although it could have: the consumer delivered nothing, or a partition did nothing.
    pub stalls: u64,
    /// How often intake stopped because an output was past its mark.
    pub intake_stops: u64,
    /// How long it stood still for that, in milliseconds, a stop that is not over included.
    pub intake_stopped_ms: u64,
    /// The output for which it stands still.
    pub intake_stopped_by: Option<String>,
    /// Messages in flight.
    pub in_flight: usize,
    /// Whether a partition used up its restart budget, so that its shard stands still.
    pub failed: bool,
}

impl ActorStatus {
    pub(crate) fn done(&self) {
        self.done.count();
    }

    pub(crate) fn skipped(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn delivered(&self) {
        self.delivered.count();
    }

    /// An emit or a dead letter is offered to its stream.
    pub(crate) fn offered(&self) {
        self.offered.count();
    }

    pub(crate) fn attempt_failed(&self, cause: Cause) {
        let name = cause.as_str();
        let index = Cause::NAMES.iter().position(|known| *known == name).expect("NAMES has every cause");
        self.failed_attempts[index].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dead_lettered(&self, reason: Reason) {
        let index =
            Reason::ALL.iter().position(|candidate| *candidate == reason).expect("ALL has every reason");
        self.dead_letters[index].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn restarted(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn redelivered(&self) {
        self.redeliveries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn interrupted(&self) {
        self.interruptions.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn stalled(&self) {
        self.stalls.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Intake stands still for this stream from here on, or for none.
    /// Returns whether it stood still before.
    pub(crate) fn gate(&self, stream: Option<&str>) -> bool {
        self.intake.gate(stream)
    }

    /// Why nothing is taken in.
    pub(crate) fn intake_stopped(&self) -> Option<IntakeStopped> {
        let (_, _, stop) = self.intake.read();
        stop.map(|stop| IntakeStopped { stream: stop.stream, since: stop.since })
    }

    /// An attempt took so long.
    pub(crate) fn attempted(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        // Most are not the slowest, and need not take the number from other threads' caches.
        if nanos > self.slowest.load(Ordering::Relaxed) {
            self.slowest.fetch_max(nanos, Ordering::Relaxed);
        }
        self.pace.note(took);
    }

    /// How long the slowest attempt took since this was last asked.
    pub(crate) fn take_slowest(&self) -> Duration {
        Duration::from_nanos(self.slowest.swap(0, Ordering::Relaxed))
    }

    /// How many messages were dead-lettered.
    pub(crate) fn dead(&self) -> u64 {
        self.dead_letters.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// How many attempts failed.
    pub(crate) fn failed_attempts(&self) -> u64 {
        self.failed_attempts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// For how long some entity has been blocked without a break.
    pub(crate) fn blocked_for(&self) -> Duration {
        self.blocked_since().map(|since| since.elapsed()).unwrap_or_default()
    }

    fn blocked_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.blocked_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an entity as blocked until the guard is dropped.
    pub(crate) fn block(&self) -> Blocked<'_> {
        let mut since = self.blocked_since();
        let others = self.blocked.fetch_add(1, Ordering::Relaxed);
        since.get_or_insert_with(Instant::now);
        drop(since);
        Blocked { status: self, is_first: others == 0 }
    }

    /// Whether entities wait for the broker.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn snapshot(&self, actor: &str, in_flight: usize) -> ActorSnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (intake_stops, stopped, stop) = self.intake.read();
        let reasons = Reason::ALL.into_iter().zip(self.dead_letters.iter().map(read));
        let causes: Vec<(&'static str, u64)> =
            Cause::NAMES.into_iter().zip(self.failed_attempts.iter().map(read)).collect();
        let failed_of = |name| causes.iter().find(|(cause, _)| *cause == name).map_or(0, |(_, count)| *count);
        ActorSnapshot {
            actor: actor.to_owned(),
            done: self.done.sum(),
            skipped: read(&self.skipped),
            delivered: self.delivered.sum(),
            offered: self.offered.sum(),
            failed_attempts: causes.iter().map(|(_, count)| count).sum(),
            panics: failed_of(Cause::Panic.as_str()),
            timeouts: failed_of(Cause::Timeout.as_str()),
            causes: causes.into_iter().filter(|(_, count)| *count > 0).collect(),
            dead_letters: reasons.filter(|(_, count)| *count > 0).collect(),
            restarts: read(&self.restarts),
            blocked: read(&self.blocked),
            redeliveries: read(&self.redeliveries),
            interruptions: read(&self.interruptions),
            stalls: read(&self.stalls),
            intake_stops,
            intake_stopped_ms: stopped.as_millis().try_into().unwrap_or(u64::MAX),
            intake_stopped_by: stop.map(|stop| stop.stream),
            in_flight,
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

/// An entity that waits for the broker.
#[derive(Debug)]
pub(crate) struct Blocked<'a> {
    status: &'a ActorStatus,
    is_first: bool,
}

impl Blocked<'_> {
    /// Whether no other entity of the actor waited when this one began to.
    pub(crate) fn is_first(&self) -> bool {
        self.is_first
    }

    /// Ends the wait; returns whether no other entity waits any more.
    pub(crate) fn was_last(self) -> bool {
        let status = self.status;
        drop(self);
        status.blocked.load(Ordering::Relaxed) == 0
    }
}

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        let mut since = self.status.blocked_since();
        if self.status.blocked.fetch_sub(1, Ordering::Relaxed) == 1 {
            *since = None;
        }
    }
}

/// Reads the counters of all actors and shards and the flow of all streams, from any thread, for as long as it is kept.
#[derive(Clone)]
pub struct Watch {
    actors: Vec<Watched>,
    board: watch::Receiver<Board>,
    pulses: Vec<Arc<Pulse>>,
    raised: watch::Receiver<Vec<Alert>>,
}

/// What is watched of one actor.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) helm: Arc<Helm>,
    pub(crate) status: Arc<ActorStatus>,
    pub(crate) shards: Vec<Arc<ShardStatus>>,
    pub(crate) patience: Patience,
    pub(crate) heat: Thermometers,
    pub(crate) waits: Waits,
}

impl Watch {
    pub(crate) fn new(board: watch::Receiver<Board>, raised: watch::Receiver<Vec<Alert>>) -> Self {
        Self { actors: Vec::new(), board, pulses: Vec::new(), raised }
    }

    pub(crate) fn add(&mut self, actor: Watched) {
        self.actors.push(actor);
    }

    /// The counters at this moment, in the order of the topology.
    pub fn snapshot(&self) -> Vec<ActorSnapshot> {
        let snapshot = |Watched { helm, status, shards, .. }: &Watched| {
            status.snapshot(helm.actor(), shards.iter().map(|shard| shard.in_flight()).sum())
        };
        self.actors.iter().map(snapshot).collect()
    }

    /// The shards that this instance has or wants.
    pub fn shards(&self) -> Vec<ShardReport> {
        let reports = self.actors.iter().flat_map(|Watched { status, shards, .. }| {
            let intake_stopped = status.intake_stopped();
            let reports = shards.iter().filter_map(|shard| shard.report());
            reports.map(move |report| ShardReport { intake_stopped: intake_stopped.clone(), ..report })
        });
        reports.collect()
    }

    /// The alerts that this instance has raised.
    pub fn alerts(&self) -> Vec<Alert> {
        self.raised.borrow().clone()
    }

    /// What the actors may do, in the order of the topology.
    pub fn controls(&self) -> Vec<Controlled> {
        let controlled = |Watched { helm, .. }: &Watched| Controlled {
            actor: helm.actor().to_owned(),
            control: helm.control().borrow().clone(),
        };
        self.actors.iter().map(controlled).collect()
    }

    /// What the other instances are told.
    pub fn report(&self) -> WorkReport {
        WorkReport { shards: self.shards(), alerts: self.alerts(), actors: self.outstanding() }
    }

    /// The flow of every stream of which somebody has said something that holds.
    pub fn flows(&self) -> Vec<Flow> {
        self.board.borrow().all_holding(Instant::now())
    }

    /// What waits in the streams that this instance reckons, with the stream's name.
    pub fn depths(&self) -> Vec<(String, Depth)> {
        let board = self.board.borrow();
        board.depths().map(|(stream, depth)| (stream.to_owned(), depth.clone())).collect()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("actors", &self.actors.len()).finish_non_exhaustive()
    }
}
