//! Takes an actor that has reached a dead-letter limit back to work: writes down that it probes, probes, and resumes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{oneshot, watch};
use tokio::time::sleep;
use tracing::debug;

use super::helm::Helm;
use super::queue::Probed;
use crate::engine::membership::Assignment;
use crate::message::{Control, ControlState};
use crate::port::{Controls, ControlsError};

/// How many probes in a row have to succeed.
pub(super) const ENOUGH: u32 = 10;

/// The first and the longest wait after a probe that failed.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How long we wait for a message that was not probed yet before we probe another one again.
const PATIENCE: Duration = Duration::from_secs(1);

/// The wait before the bucket is written again.
const AGAIN: Duration = Duration::from_secs(1);

/// The care for one actor in this instance.
///
/// Every instance probes what it has in its own hands. Who reached the limit resumes, since it has the messages that
/// fail; when it is gone, anybody does.
pub(crate) struct Breaker {
    pub(crate) helm: Arc<Helm>,
    pub(crate) controls: Arc<dyn Controls>,
    pub(crate) assignment: watch::Receiver<Assignment>,
}

impl Breaker {
    /// Cares, without an end.
    pub(crate) async fn keep(self) {
        loop {
            until(&self.helm, |control| control.state == ControlState::Probing).await;
            tokio::select! {
                ((), ()) = async { tokio::join!(self.announce(), self.probe()) } => {}
                () = until(&self.helm, |control| control.state != ControlState::Probing) => {}
            }
        }
    }

    /// Writes down for all that the limit was reached, unless somebody has said something else meanwhile.
    async fn announce(&self) {
        while let Some(stop) = self.helm.unwritten() {
            match self.try_to_announce(&stop).await {
                Ok(()) | Err(ControlsError::Conflict) => {}
                Err(error) => {
                    debug!(actor = self.helm.actor(), %error, "that the actor probes is not written down yet");
                    sleep(AGAIN).await;
                }
            }
        }
    }

    async fn try_to_announce(&self, stop: &Control) -> Result<(), ControlsError> {
        let (current, revision) = self.controls.find(self.helm.actor()).await?;
        if current.state != ControlState::Working {
            self.helm.adopt(current);
            return Ok(());
        }
        let Control { state, since, why, by } = stop;
        let stop = current.followed_by(*state, *since, why, by);
        self.controls.set(self.helm.actor(), &stop, revision).await?;
        self.helm.adopt(stop);
        Ok(())
    }

    /// One attempt at a time, until enough of them have succeeded.
    async fn probe(&self) {
        let (mut pause, longest) = PAUSE;
        let mut good = 0;
        loop {
            let ended = self.next().await;
            match ended.await {
                Ok(Probed::Good) => {
                    (pause, good) = (PAUSE.0, good + 1);
                    if good >= ENOUGH && self.may_resume() {
                        self.resume().await;
                        return;
                    }
                }
                Ok(Probed::Bad) => {
                    good = 0;
                    sleep(pause).await;
                    pause = (pause * 2).min(longest);
                }
                // It was interrupted.
                Err(_) => {}
            }
        }
    }

    /// Lets one attempt begin: of a message that was not probed yet if one can be had.
    async fn next(&self) -> oneshot::Receiver<Probed> {
        let waiting = &self.helm.waiting;
        loop {
            if let Some(ended) = waiting.probe_fresh() {
                return ended;
            }
            self.helm.want();
            tokio::select! {
                () = waiting.arrived() => {}
                () = sleep(PATIENCE) => if let Some(ended) = waiting.probe_any() {
                    return ended;
                },
            }
        }
    }

    /// Whether it was us who reached the limit, or somebody who has no shard of the actor any more.
    fn may_resume(&self) -> bool {
        let by = self.helm.control().borrow().by.clone();
        let assignment = self.assignment.borrow();
        let has_shards = |name: &str| {
            assignment
                .owners
                .iter()
                .any(|(shard, owner)| *shard.actor == *self.helm.actor() && owner.as_str() == name)
        };
        by == self.helm.instance() || !has_shards(&by)
    }

    async fn resume(&self) {
        loop {
            match self.try_to_resume().await {
                Ok(()) => return,
                Err(ControlsError::Conflict) => {}
                Err(error) => {
                    debug!(actor = self.helm.actor(), %error, "that the actor goes on is not written down yet");
                    sleep(AGAIN).await;
                }
            }
        }
    }

    async fn try_to_resume(&self) -> Result<(), ControlsError> {
        let (current, revision) = self.controls.find(self.helm.actor()).await?;
        let go_on = |control: &Control| {
            let why = format!("{ENOUGH} attempts in a row have succeeded");
            control.followed_by(ControlState::Working, SystemTime::now(), why, self.helm.instance())
        };
        match current.state {
            ControlState::Probing => {
                let control = go_on(&current);
                self.controls.set(self.helm.actor(), &control, revision).await?;
                self.helm.adopt(control);
            }
            // That we stopped was never written.
            ControlState::Working => {
                let stop = self.helm.control().borrow().clone();
                self.helm.adopt(go_on(&stop));
            }
            ControlState::Paused | ControlState::Draining | ControlState::Unknown => self.helm.adopt(current),
        }
        Ok(())
    }
}

/// Waits until what holds is so. Cancel safe.
async fn until(helm: &Helm, is_so: impl FnMut(&Control) -> bool) {
    // The helm keeps the sender.
    drop(helm.control().wait_for(is_so).await);
}
