//! How a shift ends: in good order, or at once.

use std::time::Duration;

use tracing::warn;

use super::{NO_ROOM, Shift};
use crate::message::ShardState;
use crate::port::Settlement;

/// How long the attempts of a lost shard may take to end, which they do when they next yield.
const ABANDON: Duration = Duration::from_secs(5);

impl Shift<'_> {
    /// Hands back what has not started and waits for what runs.
    pub(super) async fn wind_down(&mut self) {
        self.plan.status.enter(ShardState::Draining);
        self.crew.drain.begin();
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

    /// Ends everything where it stands and tells the broker nothing: what is in our hands may be in another's.
    pub(super) async fn abandon(mut self) {
        self.crew.drain.begin();
        self.returns.close();
        let Self { home, supervisor, mut returns, .. } = self;
        drop(supervisor);
        let gone = async {
            while home.ledger.len() > 0 {
                tokio::select! {
                    Some(delivery) = returns.recv() => drop(delivery),
                    () = home.ledger.freed() => {}
                }
            }
        };
        if tokio::time::timeout(ABANDON, gone).await.is_err() {
            warn!(shard = %home.status.id(), left = home.ledger.len(), "attempts of a lost shard still run: their handlers block");
        }
    }
}
