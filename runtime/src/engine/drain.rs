//! The signal to stop: pull nothing, start nothing, finish what runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// A signal that is given once and seen by all clones.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    /// Beside the token, whose own check takes a lock.
    begun: Arc<AtomicBool>,
    token: CancellationToken,
}

impl Drain {
    /// Gives the signal.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::Release);
        self.token.cancel();
    }

    /// Whether it was given.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    /// Waits for it. Cancel safe.
    pub async fn begun(&self) {
        self.token.cancelled().await;
    }
}
