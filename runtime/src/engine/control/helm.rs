//! What one actor may do, as this instance knows it: attempts and dead letters ask here.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::queue::{Probe, Probed, Queue};
use super::tally::{Reached, Tally};
use crate::engine::counter::Counter;
use crate::message::{Control, ControlState};
use crate::topology::DeadLetterLimits;

/// What stands for a count that is not known.
const UNKNOWN: u64 = u64::MAX;

/// The control of one actor in this instance.
pub(crate) struct Helm {
    actor: Arc<str>,
    /// Who we are.
    instance: String,
    control: watch::Sender<Control>,
    /// Whether attempts may begin; beside the control, whose lock each of them would take.
    is_free: AtomicBool,
    /// Whether the control is our own and was not written yet.
    is_unwritten: AtomicBool,
    pub(super) waiting: Queue,
    tally: Mutex<Tally>,
    /// Messages done since the tally was last looked at: most are, and need no lock.
    done: Counter,
    /// When the last of them was, in seconds from `born`.
    last_done: AtomicU64,
    born: Instant,
    /// How many dead letters the actor has.
    held: AtomicU64,
    /// Told when a message is to be taken in, to be probed.
    wanted: Notify,
}

/// What attempts may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    All,
    None,
    /// One at a time.
    Single,
}

/// The right to begin an attempt.
#[derive(Debug)]
pub(crate) enum Turn {
    Free,
    Probe(Probe),
}

impl Helm {
    pub(crate) fn new(actor: Arc<str>, instance: String, limits: DeadLetterLimits) -> Self {
        Self {
            actor,
            instance,
            control: watch::Sender::new(Control::none()),
            is_free: AtomicBool::new(true),
            is_unwritten: AtomicBool::new(false),
            waiting: Queue::default(),
            tally: Mutex::new(Tally::new(limits)),
            done: Counter::default(),
            last_done: AtomicU64::new(0),
            born: Instant::now(),
            held: AtomicU64::new(UNKNOWN),
            wanted: Notify::new(),
        }
    }

    pub(crate) fn actor(&self) -> &str {
        &self.actor
    }

    pub(super) fn instance(&self) -> &str {
        &self.instance
    }

    /// What holds, and its changes.
    pub(crate) fn control(&self) -> watch::Receiver<Control> {
        self.control.subscribe()
    }

    /// Takes in what was written, unless something later is known.
    pub(crate) fn see(&self, control: Control) {
        if control.since > self.control.borrow().since {
            self.adopt(control);
        }
    }

    /// Waits until an attempt may begin, of a message whose probes have failed so often.
    ///
    /// # Cancel safety
    /// A cancelled call gives up its place in the queue.
    pub(crate) async fn turn(&self, failed: u32) -> Turn {
        if self.is_free.load(Ordering::Acquire) {
            return Turn::Free;
        }
        let mut place = self.waiting.enter(failed);
        tokio::select! {
            probe = place.granted() => Turn::Probe(probe),
            () = self.free() => Turn::Free,
        }
    }

    /// Whether attempts may begin at once.
    pub(crate) fn is_free(&self) -> bool {
        self.is_free.load(Ordering::Acquire)
    }

    /// Waits until all attempts may begin. Cancel safe.
    pub(crate) async fn free(&self) {
        // We keep the sender.
        drop(self.control.subscribe().wait_for(|control| Mode::of(control) == Mode::All).await);
    }

    /// A message was done then.
    pub(crate) fn done(&self, then: Instant) {
        let seconds = (then - self.born).as_secs();
        if seconds != self.last_done.load(Ordering::Relaxed) {
            self.last_done.store(seconds, Ordering::Relaxed);
        }
        self.done.count();
    }

    /// Whether a message may become a dead letter. If not it waits, and is tried again when the actor goes on.
    pub(crate) fn may_bury(&self) -> bool {
        // Held until the end, so that no two dead letters reach the same limit.
        let mut tally = self.tally();
        match self.control.borrow().state {
            ControlState::Working => {}
            ControlState::Draining => return true,
            ControlState::Paused | ControlState::Probing | ControlState::Unknown => return false,
        }
        let held = self.held();
        match tally.died(Instant::now(), held) {
            None => {
                if held.is_some() {
                    self.held.fetch_add(1, Ordering::Relaxed);
                }
                true
            }
            Some(reached) => {
                self.stop(reached);
                false
            }
        }
    }

    /// How many dead letters of the actor are held, as far as it is known.
    pub(crate) fn held(&self) -> Option<u64> {
        let held = self.held.load(Ordering::Relaxed);
        (held != UNKNOWN).then_some(held)
    }

    /// So many dead letters of the actor are held.
    pub(crate) fn hold(&self, count: u64) {
        self.held.store(count, Ordering::Relaxed);
    }

    /// Waits until a message is to be taken in, to be probed.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    pub(super) fn want(&self) {
        self.wanted.notify_one();
    }

    /// What a limit has turned to and nobody else knows yet.
    pub(super) fn unwritten(&self) -> Option<Control> {
        self.is_unwritten.load(Ordering::Relaxed).then(|| self.control.borrow().clone())
    }

    /// Takes in what is written, whatever is known.
    pub(super) fn adopt(&self, control: Control) {
        self.is_unwritten.store(false, Ordering::Relaxed);
        if control.state == ControlState::Working {
            self.tally().forget();
        }
        self.turn_to(control);
    }

    fn stop(&self, reached: Reached) {
        let why = reached.to_string();
        error!(
            actor = %self.actor, why,
            cure = format!(
                "correct the handler or what it depends on; the actor goes on by itself after {} attempts in a row \
                 that succeed, or by `tidegate actors resume {}`", super::breaker::ENOUGH, self.actor
            ),
            "dead-letter limit reached, the actor pauses and probes with one message at a time"
        );
        let stop =
            self.control.borrow().followed_by(ControlState::Probing, SystemTime::now(), why, &*self.instance);
        self.is_unwritten.store(true, Ordering::Relaxed);
        self.turn_to(stop);
    }

    fn turn_to(&self, control: Control) {
        self.control.send_if_modified(|known| {
            if *known == control {
                return false;
            }
            if known.state != control.state {
                self.log(&control);
            }
            self.is_free.store(Mode::of(&control) == Mode::All, Ordering::Release);
            *known = control;
            true
        });
    }

    fn log(&self, control: &Control) {
        let (actor, Control { why, by, .. }) = (&self.actor, control);
        match control.state {
            ControlState::Working => info!(%actor, why, by, "actor resumed"),
            ControlState::Paused => info!(%actor, why, by, "actor paused"),
            ControlState::Draining => info!(%actor, why, by, "actor drains: it takes nothing in"),
            ControlState::Probing if *by == self.instance => {}
            ControlState::Probing => {
                warn!(%actor, why, by, "actor paused at its dead-letter limit, probing with one message at a time");
            }
            ControlState::Unknown => {
                warn!(%actor, why, by, "actor paused: what it is told is of a later version");
            }
        }
    }

    /// How the last messages ended, with those that were done meanwhile.
    fn tally(&self) -> MutexGuard<'_, Tally> {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let done = self.done.take();
        tally.done(done, self.born + Duration::from_secs(self.last_done.load(Ordering::Relaxed)));
        tally
    }
}

impl Mode {
    fn of(control: &Control) -> Self {
        match control.state {
            ControlState::Working | ControlState::Draining => Self::All,
            ControlState::Paused | ControlState::Unknown => Self::None,
            ControlState::Probing => Self::Single,
        }
    }
}

impl Turn {
    /// Tells how the attempt ended.
    pub(crate) fn end(self, probed: Probed) {
        if let Self::Probe(probe) = self {
            probe.end(probed);
        }
    }
}

impl fmt::Debug for Helm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Helm").field("actor", &self.actor).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_that_is_done_ends_a_run_of_dead_letters() {
        let limits = DeadLetterLimits { consecutive: Some(2), ..DeadLetterLimits::NONE };
        let helm = Helm::new("payments".into(), "here".to_owned(), limits);

        assert!(helm.may_bury());
        helm.done(Instant::now());
        assert!(helm.may_bury());

        assert!(!helm.may_bury(), "the second in a row");
    }
}
