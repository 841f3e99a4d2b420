//! How messages come into a shift's hands: all that is pending first, then what is pulled.

use std::sync::Arc;

use tokio::time::Instant;

use super::{MustAcquire, NO_ROOM, Shift};
use crate::engine::delivery::{Cargo, Delivery};
use crate::engine::ledger::{Admission, Arriving};
use crate::engine::ownership::claim_pending;
use crate::engine::quarantine::{Known, Quarantine};
use crate::engine::stall::Queue;
use crate::message::{PartitionId, ShardState};
use crate::port::{Arrival, Arrivals, Receipt, Settlement};
use crate::telemetry::span::MessageTrace;

impl Shift<'_> {
    /// Takes everything that is pending into our hands.
    pub(super) async fn claim(&mut self, first: Arrivals) -> Result<(), MustAcquire> {
        self.plan.status.enter(ShardState::TakingOver);
        // What waits in it comes again.
        self.quarantine = None;
        let claiming = async {
            let claimed =
                claim_pending(self.source, &self.home, first, self.plan.ack_wait, self.duty.shard()).await;
            let mut claimed = claimed.map_err(|_| MustAcquire)?;
            for arrival in &mut claimed {
                self.plan.router.address(&mut arrival.message);
            }
            tokio::select! {
                quarantine = Quarantine::of(claimed, &self.crew) => quarantine.map_err(|_| MustAcquire),
                // The source keeps our right to pull only while it is asked. It has nothing to give: what was claimed has
                // arrived, and nothing else is asked for.
                _ = self.source.next(NO_ROOM) => Err(MustAcquire),
            }
        };
        let quarantine = tokio::select! {
            quarantine = claiming => quarantine?,
            () = self.drain.begun() => return Ok(()),
            // What waits for the right to come back would wait for ever: it is we who have to acquire it again.
            () = self.plan.tenure.lapsed() => return Err(MustAcquire),
        };
        self.home.ledger.expect(quarantine.sequences());
        self.quarantine = Some(quarantine);
        self.plan.status.enter(ShardState::Working);
        Ok(())
    }

    /// Lets in what may leave the quarantine.
    pub(super) async fn release(&mut self) {
        while let Some(quarantine) = &mut self.quarantine {
            let Some(released) = quarantine.release(&self.home.ledger) else {
                self.quarantine = None;
                return;
            };
            if released.is_empty() {
                return;
            }
            self.let_in(released).await;
        }
    }

    pub(super) async fn admit_all(&mut self, arrivals: Vec<Arrival>) {
        let plan = self.plan;
        let known = arrivals.into_iter().map(|mut arrival| {
            plan.router.address(&mut arrival.message);
            Known { arrival, trial: None, is_alone: false }
        });
        self.let_in(known).await;
    }

    /// Takes in what is not in our hands, and hands it over; what is settled already is acked again.
    async fn let_in(&mut self, arrivals: impl IntoIterator<Item = Known>) {
        let now = Instant::now();
        let mut settled = Vec::new();
        for known in arrivals {
            if let Some(delivery) = self.admit(known, now, &mut settled) {
                self.supervisor.take(delivery);
            }
        }
        self.supervisor.pump();
        for receipt in settled {
            self.home.settle.settle(&receipt, Settlement::Ack).await;
        }
    }

    fn admit(&mut self, known: Known, now: Instant, settled: &mut Vec<Receipt>) -> Option<Delivery> {
        let Known { arrival: Arrival { message, delivered, receipt }, trial, is_alone } = known;
        let partition = self.partition_of(&message);
        self.crew.status.delivered();
        if delivered > 1 {
            self.crew.status.redelivered();
        }
        let arriving = Arriving {
            sequence: message.sequence,
            published: message.published,
            receipt,
            partition,
            queue: Queue::of(&message, self.crew.order),
            bytes: size_of(&message),
            at: now,
        };
        let lease = match self.home.ledger.admit(arriving) {
            Admission::Admitted(lease) => {
                self.plan.allowance.spend();
                lease
            }
            Admission::InFlight => return None,
            Admission::Settled(receipt) => {
                settled.push(receipt);
                return None;
            }
        };
        let destination = self.plan.router.destination(&message.subject);
        let trace = MessageTrace::receive(&message, destination, &self.crew.name);
        let mut delivery = Delivery::new(Cargo {
            attempt: 1,
            message: Arc::new(message),
            partition,
            failures: Vec::new(),
            trial: None,
            is_alone,
            is_redelivered: delivered > 1,
            running: None,
            trace,
            lease,
            home: Arc::clone(&self.home),
        });
        if let Some(trial) = trial {
            delivery.learn(trial);
        }
        Some(delivery)
    }

    fn partition_of(&self, message: &tidegate::Message) -> PartitionId {
        match message.key.is_empty() {
            true => PartitionId(
                u32::try_from(message.sequence % u64::from(self.plan.partitions)).expect("less than a u32"),
            ),
            false => PartitionId::of(&message.key, self.plan.shards, self.plan.partitions),
        }
    }
}

fn size_of(message: &tidegate::Message) -> usize {
    let headers: usize = message.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    message.subject.len() + headers + message.payload.len()
}
