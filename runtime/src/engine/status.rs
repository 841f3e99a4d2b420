//! What the engine tells about itself: counters that anyone may read, written without locks.

mod shard;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Serialize;

pub(crate) use self::shard::ShardStatus;
use crate::message::{Cause, Reason, ShardReport};

/// The counters of one actor.
#[derive(Debug, Default)]
pub(crate) struct ActorStatus {
    done: AtomicU64,
    skipped: AtomicU64,
    failed_attempts: AtomicU64,
    panics: AtomicU64,
    timeouts: AtomicU64,
    dead_letters: [AtomicU64; Reason::ALL.len()],
    restarts: AtomicU64,
    blocked: AtomicU64,
    redeliveries: AtomicU64,
    interruptions: AtomicU64,
    stalls: AtomicU64,
    failed: AtomicBool,
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
    /// Attempts that failed, whatever became of their messages.
    pub failed_attempts: u64,
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
    /// Messages in flight.
    pub in_flight: usize,
    /// Whether a partition used up its restart budget, so that its shard stands still.
    pub failed: bool,
}

impl ActorStatus {
    pub(crate) fn done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn skipped(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn attempt_failed(&self, cause: Cause) {
        self.failed_attempts.fetch_add(1, Ordering::Relaxed);
        match cause {
            Cause::Panic => self.panics.fetch_add(1, Ordering::Relaxed),
            Cause::Timeout => self.timeouts.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
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

    /// Counts an entity as blocked until the guard is dropped.
    pub(crate) fn block(&self) -> Blocked<'_> {
        let others = self.blocked.fetch_add(1, Ordering::Relaxed);
        Blocked { status: self, is_first: others == 0 }
    }

    pub(crate) fn snapshot(&self, actor: &str, in_flight: usize) -> ActorSnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let reasons = Reason::ALL.into_iter().zip(self.dead_letters.iter().map(read));
        ActorSnapshot {
            actor: actor.to_owned(),
            done: read(&self.done),
            skipped: read(&self.skipped),
            failed_attempts: read(&self.failed_attempts),
            panics: read(&self.panics),
            timeouts: read(&self.timeouts),
            dead_letters: reasons.filter(|(_, count)| *count > 0).collect(),
            restarts: read(&self.restarts),
            blocked: read(&self.blocked),
            redeliveries: read(&self.redeliveries),
            interruptions: read(&self.interruptions),
            stalls: read(&self.stalls),
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
        self.status.blocked.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reads the counters of all actors and shards, from any thread, for as long as it is kept.
#[derive(Clone, Default)]
pub struct Watch(Vec<Watched>);

#[derive(Clone)]
struct Watched {
    actor: Arc<str>,
    status: Arc<ActorStatus>,
    shards: Vec<Arc<ShardStatus>>,
}

impl Watch {
    pub(crate) fn add(&mut self, actor: Arc<str>, status: Arc<ActorStatus>, shards: Vec<Arc<ShardStatus>>) {
        self.0.push(Watched { actor, status, shards });
    }

    /// The counters at this moment, in the order of the topology.
    pub fn snapshot(&self) -> Vec<ActorSnapshot> {
        let snapshot = |Watched { actor, status, shards }: &Watched| {
            status.snapshot(actor, shards.iter().map(|shard| shard.in_flight()).sum())
        };
        self.0.iter().map(snapshot).collect()
    }

    /// The shards that this instance has or wants.
    pub fn shards(&self) -> Vec<ShardReport> {
        self.0.iter().flat_map(|watched| &watched.shards).filter_map(|shard| shard.report()).collect()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("actors", &self.0.len()).finish()
    }
}
