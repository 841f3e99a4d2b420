//! A topology at work, from the outside: wait for its end, or bring it about.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::engine::{Drained, Engine, Membership, MembershipError, Watch};

/// How long we take to leave the others.
const FAREWELL: Duration = Duration::from_secs(1);

/// A topology at work, and its part among the instances that share it.
#[derive(Debug)]
pub(super) struct Running {
    engine: Engine,
    membership: JoinHandle<Result<(), MembershipError>>,
    left: CancellationToken,
}

impl Running {
    /// A running engine among others, until it is drained; cancelling `left` takes its leave.
    pub(super) fn new(engine: Engine, membership: Membership, left: CancellationToken) -> Self {
        Self { engine, membership: tokio::spawn(membership.run()), left }
    }

    /// The counters of all actors.
    pub(super) fn watch(&self) -> Watch {
        self.engine.watch()
    }

    /// Waits until nothing works any more without having been told to stop.
    ///
    /// # Errors
    /// When another process has our id.
    pub(super) async fn ended(&mut self) -> Result<(), MembershipError> {
        tokio::select! {
            () = self.engine.ended() => Ok(()),
            ended = &mut self.membership => ended.unwrap_or(Ok(())),
        }
    }

    /// Stops pulling, lets what runs finish within `limit`, hands the rest back, and takes leave of the others.
    pub(super) async fn drain(self, limit: Duration) -> Drained {
        let drained = self.engine.drain(limit).await;
        self.left.cancel();
        if !self.membership.is_finished() && tokio::time::timeout(FAREWELL, self.membership).await.is_err() {
            warn!("left without a word, the others will notice");
        }
        drained
    }
}
