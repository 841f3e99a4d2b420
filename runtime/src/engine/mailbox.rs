//! The one way into a partition.

use actix::Addr;
use actix::prelude::SendError;
use tokio_util::sync::CancellationToken;

use super::delivery::Delivery;
use super::partition::Partition;

/// Not `Clone`: an actix mailbox has one free place for every clone of its address.
#[derive(Debug)]
pub(crate) struct PartitionSender {
    address: Addr<Partition>,
    condemned: CancellationToken,
}

/// Why a partition did not take a delivery.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Its mailbox is full.
    Full(Delivery),
    /// It is dead.
    Dead(Delivery),
}

impl PartitionSender {
    /// `condemned` is cancelled when the partition is to die.
    pub(crate) fn new(address: Addr<Partition>, condemned: CancellationToken) -> Self {
        Self { address, condemned }
    }

    /// Lets nothing more run in the partition, which dies without its sender.
    pub(crate) fn condemn(self) {
        self.condemned.cancel();
    }

    pub(crate) fn try_send(&self, delivery: Delivery) -> Result<(), Refused> {
        self.address.try_send(delivery).map_err(|error| match error {
            SendError::Full(delivery) => Refused::Full(delivery),
            SendError::Closed(delivery) => Refused::Dead(delivery),
        })
    }
}
