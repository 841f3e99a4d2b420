//! One shard of one actor: waits until it is ours, works on it shift after shift, and gives it away.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, warn};

use super::dead_letter::{Undertaker, bury_exhausted};
use super::drain::Drain;
use super::duty::Duty;
use super::ownership::acquire;
use super::shift::{End, Shift, ShiftPlan};
use super::title::Title;
use crate::message::ShardState;
use crate::port::Source;

/// One durable consumer and what it takes to work on it.
pub(crate) struct Shard {
    pub(crate) source: Box<dyn Source>,
    pub(crate) title: Title,
    pub(crate) duty: Duty,
    pub(crate) plan: ShiftPlan,
    /// Buries what the server gave up, while the shard is ours.
    pub(crate) undertaker: Option<Arc<Mutex<Undertaker>>>,
    pub(crate) drain: Drain,
}

impl Shard {
    /// Works whenever the shard is ours, until the drain or until the actor has failed.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::select! {
                () = self.duty.assigned() => {}
                () = self.drain.begun() => return,
            }
            let burying = self.bury();
            let end = self.own().await;
            drop(burying);
            self.plan.status.leave();
            match end {
                End::Drained => return,
                End::Failed => return self.plan.status.enter(ShardState::Failed),
                End::Relieved => debug!(shard = %self.duty.shard(), "shard is another's"),
                End::Lost => {
                    warn!(
                        shard = %self.duty.shard(),
                        "shard lost: the right to pull it lapsed, and another instance may have it"
                    );
                }
            }
        }
    }

    /// From the wait for the right to pull until it is given back.
    async fn own(&mut self) -> End {
        self.plan.status.enter(ShardState::Waiting);
        let mut duty = self.duty.clone();
        let acquired = tokio::select! {
            acquired = acquire(self.source.as_mut(), &mut self.title, &self.duty, &self.plan.tenure) => Ok(acquired),
            () = self.drain.begun() => Err(End::Drained),
            () = duty.relieved() => Err(End::Relieved),
        };
        let end = match acquired {
            Ok(acquired) => {
                let shift = Shift::open(
                    &self.plan,
                    self.source.as_mut(),
                    &mut self.title,
                    &mut self.duty,
                    &self.drain,
                );
                shift.run(acquired.arrivals).await
            }
            Err(end) => end,
        };
        self.source.release().await;
        end
    }

    fn bury(&self) -> Option<AbortOnDropHandle<()>> {
        let undertaker = Arc::clone(self.undertaker.as_ref()?);
        let plan = &self.plan;
        let crew = plan.crew.at_work(self.drain.clone(), Arc::default());
        let burying = bury_exhausted(undertaker, Arc::clone(&plan.router), crew, Arc::clone(&plan.status));
        Some(AbortOnDropHandle::new(tokio::spawn(burying)))
    }
}
