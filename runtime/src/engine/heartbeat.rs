//! Keeps the leases of what is in flight, wherever it waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::delivery::Home;
use crate::port::Settlement;

/// How many renewals fit into one `ack_wait`: one may get lost.
const RENEWALS: u32 = 3;

/// Renews leases until the task is aborted. `ack_wait` is when the broker would take a message back.
pub(crate) async fn keep_leases(home: Arc<Home>, ack_wait: Duration) {
    let age = ack_wait / RENEWALS;
    let mut tick = tokio::time::interval(age / 2);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let due = home.ledger.due(age);
        home.status.renewed(due.len());
        for receipt in due {
            home.settle.settle(&receipt, Settlement::InProgress).await;
        }
    }
}
