//! How a delivery ends at the broker.

use std::time::Duration;

use bytes::Bytes;

use super::BoxFuture;

/// Tells the broker what became of deliveries.
pub trait Settle: Send + Sync {
    /// Sends a settlement; the broker does not confirm it. Waits only for room in the connection's own queue.
    fn settle<'a>(&'a self, receipt: &'a Receipt, settlement: Settlement) -> BoxFuture<'a, ()>;

    /// Sends a settlement if nothing need be waited for; tells whether it did.
    fn try_settle(&self, receipt: &Receipt, settlement: Settlement) -> bool {
        let _ = (receipt, settlement);
        false
    }

    /// Returns when the broker has taken all settlements sent before, or cannot be reached.
    fn flush(&self) -> BoxFuture<'_, ()>;
}

/// What identifies a delivery to the broker: for JetStream the `$JS.ACK…` subject (ADR-15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt(pub Bytes);

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// Done: never again.
    Ack,
    /// Not done: again after this long.
    Nak(Duration),
    /// Dead: never again; the reason goes into the server's advisory.
    Term(&'static str),
    /// Still at work: the lease starts anew.
    InProgress,
}

impl Settlement {
    /// The settlement's name, as traces show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::Nak(_) => "nak",
            Self::Term(_) => "term",
            Self::InProgress => "in_progress",
        }
    }
}
