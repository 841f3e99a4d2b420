//! What an attempt waits for before it begins: its backoff, and its turn.

use std::rc::Rc;
use std::time::Duration;

use crate::engine::control::Turn;
use crate::engine::delivery::Delivery;
use crate::engine::effects::Interrupted;
use crate::engine::partition::Desk;
use crate::engine::slot::Slot;

/// The last try is made again: the actor has failed, not the message.
pub(super) fn take_back_last(delivery: &mut Delivery) {
    if let Some(failure) = delivery.failures.pop() {
        delivery.attempt = failure.attempt;
    }
}

/// Waits until an attempt may begin, without a slot meanwhile; `None` when the shard is drained.
pub(super) async fn take_turn(failed_probes: u32, slot: Slot, desk: &Rc<Desk>) -> Option<(Turn, Slot)> {
    let crew = &desk.crew;
    if crew.helm.is_free() {
        return Some((Turn::Free, slot));
    }
    drop(slot);
    Box::pin(wait_for_turn(failed_probes, desk)).await
}

async fn wait_for_turn(failed_probes: u32, desk: &Rc<Desk>) -> Option<(Turn, Slot)> {
    let turn = tokio::select! {
        turn = desk.crew.helm.turn(failed_probes) => turn,
        () = desk.crew.drain.begun() => return None,
    };
    Some((turn, Slot::take(desk).await?))
}

/// Waits before the next attempt.
pub(super) async fn wait_or_drain(wait: Duration, desk: &Desk) -> Result<(), Interrupted> {
    tokio::select! {
        () = tokio::time::sleep(wait) => Ok(()),
        () = desk.crew.drain.begun() => Err(Interrupted),
    }
}
