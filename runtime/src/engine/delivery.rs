//! One message in our hands: one owner, settled once.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::SystemTime;

use tidegate::Message;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::lease::Lease;
use super::ledger::{Ledger, Release};
use super::status::ShardStatus;
use super::trials::Trial;
use crate::message::{Failure, PartitionId};
use crate::port::{Settle, Settlement};
use crate::telemetry::span::MessageTrace;

/// A message from the moment the broker gave it to us until it is settled.
///
/// Not `Clone`. Dropped unsettled, because a partition died or a drain ended its wait, it goes home to its shard,
/// which hands it to the next partition in order or back to the broker.
#[derive(Debug)]
pub(crate) struct Delivery(Option<Box<Cargo>>);

/// What a [`Delivery`] carries.
#[derive(Debug)]
pub(crate) struct Cargo {
    pub(crate) message: Arc<Message>,
    pub(crate) partition: PartitionId,
    /// The number of the next attempt, from 1.
    pub(crate) attempt: u32,
    /// The attempts that failed, as far as they are known.
    pub(crate) failures: Vec<Failure>,
    /// What is written down of its tries, once it is known or needed.
    pub(crate) trial: Option<Box<Trial>>,
    /// Whether the broker had delivered it before, so that something may be written down.
    pub(crate) is_redelivered: bool,
    /// Whether nothing else of its shard is tried at the same time.
    pub(crate) is_alone: bool,
    /// When the attempt under way began.
    pub(crate) running: Option<Instant>,
    pub(crate) trace: MessageTrace,
    pub(crate) lease: Arc<Lease>,
    pub(crate) home: Arc<Home>,
}

/// Where a shard's deliveries are accounted for, and where they return to.
pub(crate) struct Home {
    pub(crate) ledger: Ledger,
    pub(crate) settle: Arc<dyn Settle>,
    /// As large as the window, so that it has room for whatever returns.
    pub(crate) returns: mpsc::Sender<Delivery>,
    pub(crate) status: Arc<ShardStatus>,
    /// Notified when the attempt of a message that is tried alone has ended.
    pub(crate) ended: Notify,
}

impl Delivery {
    pub(crate) fn new(cargo: Cargo) -> Self {
        Self(Some(Box::new(cargo)))
    }

    /// Marks an attempt as running, so that a crash of the partition costs it and a blocked thread lets the lease go.
    pub(crate) fn begin(&mut self, now: Instant, deadline: Instant) {
        self.running = Some(now);
        self.lease.begin(deadline);
    }

    /// Marks the attempt as over.
    pub(crate) fn end(&mut self) {
        self.running = None;
        self.lease.end();
        self.home.status.attempted();
        if self.is_alone {
            self.home.ended.notify_one();
        }
    }

    /// Tells the broker, then gives the credit back.
    ///
    /// # Cancel safety
    /// Cancelled before the broker was told, the delivery goes home.
    pub(crate) async fn settle(mut self, settlement: Settlement) {
        if !self.home.settle.try_settle(&self.lease.receipt, settlement) {
            self.home.settle.settle(&self.lease.receipt, settlement).await;
        }
        let release = match settlement {
            Settlement::Ack => {
                self.home.status.done();
                Release::Settled
            }
            Settlement::Term(_) => {
                self.home.status.dead_lettered();
                Release::Settled
            }
            Settlement::Nak(_) | Settlement::InProgress => Release::HandedBack,
        };
        self.leave(release);
    }

    /// Fills in what is known of earlier tries.
    pub(crate) fn learn(&mut self, trial: Trial) {
        self.attempt = trial.next_attempt();
        self.failures = trial.failures().to_vec();
        self.trial = Some(Box::new(trial));
    }

    /// How often the process died while this message was tried, as far as it is known.
    pub(crate) fn crashes(&self) -> u32 {
        self.trial.as_ref().map_or(0, |trial| trial.crashes())
    }

    /// Lets a message go that somebody else has ended.
    pub(crate) fn abandon(mut self) {
        self.leave(Release::Settled);
    }

    fn leave(&mut self, release: Release) {
        if let Some(cargo) = self.0.take() {
            cargo.home.ledger.release(cargo.message.sequence, &cargo.lease, release);
        }
    }
}

/// What clocks on the wall said then.
pub(crate) fn wall_clock(then: Instant) -> SystemTime {
    SystemTime::now() - then.elapsed()
}

impl Deref for Delivery {
    type Target = Cargo;

    fn deref(&self) -> &Cargo {
        self.0.as_ref().expect("the cargo leaves only with the delivery")
    }
}

impl DerefMut for Delivery {
    fn deref_mut(&mut self) -> &mut Cargo {
        self.0.as_mut().expect("the cargo leaves only with the delivery")
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let Some(cargo) = self.0.take() else { return };
        let returns = cargo.home.returns.clone();
        if let Err(refused) = returns.try_send(Self(Some(cargo))) {
            // The shift is over, and with it our interest: its successor claims the message.
            let mut delivery = refused.into_inner();
            delivery.leave(Release::HandedBack);
        }
    }
}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Home").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}
