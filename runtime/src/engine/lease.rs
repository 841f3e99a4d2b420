//! What a running attempt says about itself to who keeps its message's lease.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::time::{Duration, Instant};

/// How long after its deadline a running attempt still counts as alive: past it the thread must be blocked, since a
/// handler that yields is cut off at the deadline.
const OVERDUE: Duration = Duration::from_secs(1);

/// The part of a message's account that its attempts write.
#[derive(Debug)]
pub(crate) struct Lease {
    born: Instant,
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
    pub(super) fn new(born: Instant) -> Self {
        Self {
            born,
            deadline: AtomicU64::new(0),
            tried: AtomicBool::new(false),
            revoked: AtomicBool::new(false),
            taken_up: AtomicBool::new(false),
            resting: AtomicBool::new(false),
        }
    }

    pub(crate) fn begin(&self, deadline: Instant) {
        let millis = u64::try_from((deadline - self.born).as_millis()).unwrap_or(u64::MAX);
        self.deadline.store(millis.max(1), Ordering::Relaxed);
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

    /// Whether the attempt under way should have been cut off by now.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        match self.deadline.load(Ordering::Relaxed) {
            0 => false,
            millis => now > self.born + Duration::from_millis(millis) + OVERDUE,
        }
    }
}
