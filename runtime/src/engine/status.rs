//! What the engine tells about itself: counters that anyone may read, written without locks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Serialize;

use super::crew::Crew;
use super::delivery::Home;
use crate::message::{Cause, Reason};

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
    /// Messages in flight.
    pub in_flight: usize,
    /// Whether a partition used up its restart budget, so that the actor stands still.
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

    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Counts an entity as blocked until the guard is dropped.
    pub(crate) fn block(&self) -> Blocked<'_> {
        self.blocked.fetch_add(1, Ordering::Relaxed);
        Blocked(self)
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
            in_flight,
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

/// An entity that waits for the broker.
#[derive(Debug)]
pub(crate) struct Blocked<'a>(&'a ActorStatus);

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        self.0.blocked.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reads the counters of all actors, from any thread, for as long as it is kept.
#[derive(Clone, Default)]
pub struct Watch(Vec<(Arc<Crew>, Arc<Home>)>);

impl Watch {
    pub(crate) fn add(&mut self, crew: Arc<Crew>, home: Arc<Home>) {
        self.0.push((crew, home));
    }

    /// The counters at this moment, in the order of the topology.
    pub fn snapshot(&self) -> Vec<ActorSnapshot> {
        self.0.iter().map(|(crew, home)| crew.status.snapshot(&crew.name, home.ledger.len())).collect()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("actors", &self.0.len()).finish()
    }
}
