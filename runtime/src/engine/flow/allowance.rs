//! How many messages an actor may take in before somebody looks again how full its outputs are.
//!
//! A state is told some tenths of a second after it has come about, in which a fast actor fills a stream far beyond its
//! mark. So an actor takes in no more than half of what its outputs have room for, and then looks for itself.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, watch};

/// What does not limit.
pub(super) const UNLIMITED: u64 = u64::MAX;

/// What is left for all shards of an actor in this instance.
#[derive(Debug)]
pub(crate) struct Allowance {
    left: AtomicU64,
    spent: Notify,
    renewed: watch::Sender<()>,
}

impl Allowance {
    pub(crate) fn new() -> Self {
        Self { left: AtomicU64::new(UNLIMITED), spent: Notify::new(), renewed: watch::Sender::default() }
    }

    /// How many more one of so many shards may ask for. With nothing left it is looked again.
    pub(crate) fn share(&self, shards: u32) -> usize {
        match self.left.load(Ordering::Relaxed) {
            0 => {
                self.spent.notify_one();
                0
            }
            UNLIMITED => usize::MAX,
            left => usize::try_from(left.div_ceil(shards.into())).unwrap_or(usize::MAX),
        }
    }

    /// One more was taken in.
    pub(crate) fn spend(&self) {
        let spend = |left| if left == UNLIMITED { None } else { Some(u64::saturating_sub(left, 1)) };
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend) == Ok(1) {
            self.spent.notify_one();
        }
    }

    /// Sees when there is more.
    pub(crate) fn renewals(&self) -> watch::Receiver<()> {
        self.renewed.subscribe()
    }

    /// So many may be taken in from here on.
    pub(super) fn renew(&self, left: u64) {
        if self.left.swap(left, Ordering::Relaxed) == 0 && left > 0 {
            self.renewed.send_replace(());
        }
    }

    /// Waits until nothing is left.
    pub(super) async fn spent(&self) {
        self.spent.notified().await;
    }
}
