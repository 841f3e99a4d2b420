//! A message in our hands, as the ledger accounts for it and as its attempts report of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::time::{Duration, Instant};

use super::ledger::Arriving;
use super::stall::Queue;
use crate::message::PartitionId;
use crate::port::Receipt;

/// How long after its deadline a running attempt still counts as alive: past it the thread must be blocked, since a
/// handler that yields is cut off at the deadline.
const OVERDUE: Duration = Duration::from_secs(1);

/// Our right to a message until it is settled. The ledger has it and who works on the message, who alone writes all but
/// the time of its renewal.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(super) receipt: Receipt,
    pub(super) partition: PartitionId,
    pub(super) queue: Queue,
    /// How much the message counts against the bound of bytes.
    pub(super) bytes: usize,
    born: Instant,
    /// Milliseconds from `born` to when the broker was last told that we are at work.
    renewed: AtomicU64,
    /// Milliseconds from `born` to the running attempt's deadline; 0 while none runs.
    deadline: AtomicU64,
    /// Whether an attempt has ended, and the process with it has not.
    tried: AtomicBool,
    revoked: AtomicBool,
    /// Whether a lane has taken it up: its attempts and all their waits are somebody's.
    taken_up: AtomicBool,
    /// Whether it waits on purpose: for its next attempt.
    resting: AtomicBool,
}

impl Lease {
    pub(super) fn new(arriving: Arriving) -> Self {
        let Arriving { receipt, partition, queue, bytes, at: born, .. } = arriving;
        Self {
            receipt,
            partition,
            queue,
            bytes,
            born,
            renewed: AtomicU64::new(0),
            deadline: AtomicU64::new(0),
            tried: AtomicBool::new(false),
            revoked: AtomicBool::new(false),
            taken_up: AtomicBool::new(false),
            resting: AtomicBool::new(false),
        }
    }

    pub(crate) fn begin(&self, deadline: Instant) {
        self.deadline.store(self.age_at(deadline).max(1), Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.deadline.store(0, Ordering::Relaxed);
        self.tried.store(true, Ordering::Relaxed);
    }

    /// A lane works on the message from here on.
    pub(crate) fn take_up(&self) {
        self.taken_up.store(true, Ordering::Relaxed);
    }

    /// The message has left its lane and waits for another.
    pub(crate) fn put_back(&self) {
        self.taken_up.store(false, Ordering::Relaxed);
        self.resting.store(false, Ordering::Relaxed);
    }

    /// The message waits for its next attempt from here on.
    pub(crate) fn rest(&self) {
        self.resting.store(true, Ordering::Relaxed);
    }

    /// Its wait is over.
    pub(crate) fn wake(&self) {
        self.resting.store(false, Ordering::Relaxed);
    }

    /// Whether it waits for its next attempt, and all of its entity with it.
    pub(super) fn is_resting(&self) -> bool {
        self.resting.load(Ordering::Relaxed)
    }

    /// Whether a lane works on the message, be it that it waits for its next attempt.
    pub(super) fn is_taken_up(&self) -> bool {
        self.taken_up.load(Ordering::Relaxed)
    }

    /// Whether an attempt has ended in this process.
    pub(super) fn is_tried(&self) -> bool {
        self.tried.load(Ordering::Relaxed)
    }

    /// Whether an attempt runs.
    pub(super) fn is_running(&self) -> bool {
        self.deadline.load(Ordering::Relaxed) > 0
    }

    /// Voids what the attempt under way still brings: the message was ended by somebody else.
    pub(super) fn revoke(&self) {
        self.revoked.store(true, Ordering::Release);
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Acquire)
    }

    /// Whether the broker has not been told for so long that we are at work; from now on it has been told.
    pub(super) fn renew(&self, now: Instant, age: Duration) -> bool {
        let millis = self.age_at(now);
        let is_due = Duration::from_millis(millis - self.renewed.load(Ordering::Relaxed)) >= age;
        if is_due {
            self.renewed.store(millis, Ordering::Relaxed);
        }
        is_due
    }

    /// In milliseconds.
    fn age_at(&self, then: Instant) -> u64 {
        u64::try_from((then - self.born).as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether the attempt under way should have been cut off by now.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        match self.deadline.load(Ordering::Relaxed) {
            0 => false,
            millis => now > self.born + Duration::from_millis(millis) + OVERDUE,
        }
    }
}
