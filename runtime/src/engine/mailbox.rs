//! The one way into a partition.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix::Addr;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::delivery::Delivery;
use super::partition::Partition;

/// Deliveries that come into a mailbox together, in stream order: one envelope and one wake-up for all.
#[derive(Debug)]
pub(crate) struct Batch(pub(crate) VecDeque<Delivery>);

/// How many deliveries are in a mailbox. Actix counts batches, of which there are no more than deliveries.
#[derive(Debug)]
pub(crate) struct Filling {
    capacity: usize,
    deliveries: AtomicUsize,
    /// Notified when a mailbox that was full is half empty.
    room: Arc<Notify>,
}

/// Not `Clone`: an actix mailbox has one free place for every clone of its address.
#[derive(Debug)]
pub(crate) struct PartitionSender {
    address: Addr<Partition>,
    filling: Arc<Filling>,
    condemned: CancellationToken,
}

impl Filling {
    /// A mailbox that takes `capacity` deliveries.
    pub(crate) fn new(capacity: usize, room: Arc<Notify>) -> Self {
        Self { capacity, deliveries: AtomicUsize::new(0), room }
    }

    /// How many more deliveries the mailbox takes.
    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.deliveries.load(Ordering::Acquire))
    }

    fn add(&self, count: usize) {
        self.deliveries.fetch_add(count, Ordering::AcqRel);
    }

    fn take_back(&self, count: usize) {
        self.deliveries.fetch_sub(count, Ordering::AcqRel);
    }

    /// A delivery has left the mailbox. Who fills it is told not of each one, but once there is room for many.
    pub(crate) fn leave(&self) {
        let left = self.deliveries.fetch_sub(1, Ordering::AcqRel) - 1;
        if left == self.capacity / 2 {
            self.room.notify_one();
        }
    }
}

impl PartitionSender {
    /// `condemned` is cancelled when the partition is to die.
    pub(crate) fn new(address: Addr<Partition>, filling: Arc<Filling>, condemned: CancellationToken) -> Self {
        Self { address, filling, condemned }
    }

    /// Lets nothing more run in the partition, which dies without its sender.
    pub(crate) fn condemn(self) {
        self.condemned.cancel();
    }

    /// Moves the first of `deliveries` into the mailbox, until there are no more or it is full; returns how many. One that
    /// is dead takes none.
    pub(crate) fn fill(&self, deliveries: &mut VecDeque<Delivery>) -> usize {
        let mut moved = 0;
        loop {
            let count = self.filling.room().min(deliveries.len());
            if count == 0 || !self.send(deliveries, count) {
                return moved;
            }
            moved += count;
        }
    }

    fn send(&self, deliveries: &mut VecDeque<Delivery>, count: usize) -> bool {
        let rest = deliveries.split_off(count);
        let batch = Batch(std::mem::replace(deliveries, rest));
        self.filling.add(count);
        let Err(refused) = self.address.try_send(batch) else { return true };
        self.filling.take_back(count);
        let Batch(mut batch) = refused.into_inner();
        batch.append(deliveries);
        *deliveries = batch;
        false
    }
}
