//! The one way into a partition.

use actix::Addr;
use actix::prelude::SendError;

use super::delivery::Delivery;
use super::partition::Partition;

/// Not `Clone`: an actix mailbox has one free place for every clone of its address.
#[derive(Debug)]
pub(crate) struct PartitionSender(Addr<Partition>);

/// Why a partition did not take a delivery.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Its mailbox is full.
    Full(Delivery),
    /// It is dead.
    Dead(Delivery),
}

impl PartitionSender {
    pub(crate) fn new(address: Addr<Partition>) -> Self {
        Self(address)
    }

    pub(crate) fn try_send(&self, delivery: Delivery) -> Result<(), Refused> {
        self.0.try_send(delivery).map_err(|error| match error {
            SendError::Full(delivery) => Refused::Full(delivery),
            SendError::Closed(delivery) => Refused::Dead(delivery),
        })
    }
}
