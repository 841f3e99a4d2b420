//! One shard at work: pulls what it has credits for, routes it to partitions, supervises them, and drains.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tracing::debug;

use super::crew::Crew;
use super::delivery::{Cargo, Delivery, Home};
use super::drain::Drain;
use super::ledger::{Admission, Arriving};
use super::ownership::take_over;
use super::partition::Exit;
use super::router::Router;
use super::supervisor::{BudgetSpent, Supervisor};
use crate::message::PartitionId;
use crate::port::{Arrival, Room, Settlement, Source};
use crate::telemetry::span::MessageTrace;

/// How long freed credits gather before we ask for more: at the limit of the window, one request for many messages is
/// much cheaper than many requests.
const GATHER: Duration = Duration::from_millis(1);

const NO_ROOM: Room = Room { messages: 0, bytes: 0 };

/// One durable consumer's messages and the partitions that they feed.
pub(crate) struct Shard {
    pub(crate) source: Box<dyn Source>,
    pub(crate) home: Arc<Home>,
    pub(crate) crew: Arc<Crew>,
    pub(crate) router: Arc<Router>,
    pub(crate) supervisor: Supervisor,
    pub(crate) returns: mpsc::Receiver<Delivery>,
    pub(crate) exits: mpsc::Receiver<Exit>,
    pub(crate) room: Arc<Notify>,
    pub(crate) partitions: u32,
    pub(crate) ack_wait: Duration,
    pub(crate) drain: Drain,
}

impl Shard {
    /// Works until the drain, then until nothing is in flight.
    pub(crate) async fn run(mut self) {
        self.take_over().await;
        while !self.drain.has_begun() {
            if self.step().await.is_err() {
                self.crew.status.fail();
                break;
            }
        }
        self.wind_down().await;
    }

    /// Waits for one event and reacts to it.
    async fn step(&mut self) -> Result<(), BudgetSpent> {
        self.supervisor.restart()?;
        self.supervisor.pump();
        let holding = self.supervisor.is_holding();
        let room = if holding { NO_ROOM } else { self.home.ledger.room() };
        tokio::select! {
            biased;
            () = self.drain.begun() => {}
            Some(exit) = self.exits.recv() => self.supervisor.on_exit(exit),
            Some(delivery) = self.returns.recv() => self.supervisor.on_return(delivery),
            () = self.supervisor.restart_due() => {}
            () = self.room.notified(), if holding => {}
            arrivals = self.source.next(room) => match arrivals {
                Ok(arrivals) => self.admit_all(arrivals).await,
                Err(error) => {
                    debug!(actor = %self.crew.name, %error, "source interrupted");
                    self.crew.status.interrupted();
                    self.take_over().await;
                }
            },
            () = gather(&self.home), if !holding && self.home.ledger.is_tight(room) => {}
        }
        Ok(())
    }

    async fn take_over(&mut self) {
        let claimed = tokio::select! {
            claimed = take_over(self.source.as_mut(), &self.home, self.ack_wait, &self.crew.name) => claimed,
            () = self.drain.begun() => return,
        };
        self.admit_all(claimed).await;
    }

    async fn admit_all(&mut self, arrivals: Vec<Arrival>) {
        for arrival in arrivals {
            if let Some(delivery) = self.admit(arrival).await {
                self.supervisor.send(delivery);
            }
        }
    }

    async fn admit(&mut self, arrival: Arrival) -> Option<Delivery> {
        let Arrival { mut message, delivered, receipt } = arrival;
        self.router.address(&mut message);
        let partition = match message.key.is_empty() {
            true => PartitionId(
                u32::try_from(message.sequence % u64::from(self.partitions)).expect("less than a u32"),
            ),
            false => PartitionId::of(&message.key, self.partitions),
        };
        if delivered > 1 {
            self.crew.status.redelivered();
        }
        let arriving = Arriving {
            sequence: message.sequence,
            published: message.published,
            partition,
            bytes: size_of(&message),
        };
        let lease = match self.home.ledger.admit(arriving, &receipt) {
            Admission::Admitted(lease) => lease,
            Admission::InFlight => return None,
            Admission::Settled => {
                self.home.settle.settle(&receipt, Settlement::Ack).await;
                return None;
            }
        };
        let trace =
            MessageTrace::receive(&message, self.router.destination(&message.subject), &self.crew.name);
        Some(Delivery::new(Cargo {
            attempt: self.crew.policy.first_attempt(delivered),
            message: Arc::new(message),
            partition,
            failures: Vec::new(),
            running: None,
            trace,
            lease,
            receipt,
            home: Arc::clone(&self.home),
        }))
    }

    /// Hands back what has not started and waits for what runs.
    async fn wind_down(mut self) {
        self.source.close().await;
        // All of it first: while requests are open, what is handed back would come again at once.
        let mut late = Vec::new();
        while let Ok(arrivals) = self.source.next(NO_ROOM).await {
            if arrivals.is_empty() {
                break;
            }
            late.extend(arrivals);
        }
        for arrival in late {
            self.home.settle.settle(&arrival.receipt, Settlement::Nak(Duration::ZERO)).await;
        }
        for delivery in self.supervisor.take_held() {
            delivery.settle(Settlement::Nak(Duration::ZERO)).await;
        }
        while self.home.ledger.len() > 0 {
            tokio::select! {
                Some(delivery) = self.returns.recv() => delivery.settle(Settlement::Nak(Duration::ZERO)).await,
                () = self.home.ledger.freed() => {}
            }
        }
        self.home.settle.flush().await;
    }
}

async fn gather(home: &Home) {
    home.ledger.freed().await;
    tokio::time::sleep(GATHER).await;
}

fn size_of(message: &tidegate::Message) -> usize {
    let headers: usize = message.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    message.subject.len() + headers + message.payload.len()
}
