//! One entity's queue: first in, first out, at most one attempt running.

use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use super::delivery::Delivery;
use super::execute::execute;
use super::partition::Desk;
use super::slot::Slot;
use crate::planted::{Bug, is_planted, strikes};

/// Works through the deliveries of one entity until none waits.
pub(super) async fn run(desk: &Rc<Desk>, first: Delivery, slot: Slot) {
    let _condemn = CondemnOnPanic(desk);
    let (mut delivery, mut slot) = (first, slot);
    loop {
        let ordered = desk.is_ordered(&delivery);
        let message = Arc::clone(&delivery.message);
        execute(delivery, desk, slot).await;
        if !ordered {
            return;
        }
        if is_planted(Bug::LostWakeUp) && desk.is_awaited(&message) && strikes(Bug::LostWakeUp) {
            return;
        }
        let Some(next) = desk.next_after(&message) else { return };
        // Asked for anew after each message, so that a busy entity takes turns with those that wait for a slot.
        let Some(next_slot) = Slot::take(desk).await else { return desk.close_lane(&next.message) };
        (delivery, slot) = (next, next_slot);
    }
}

/// A panic outside the handler is a bug that no retry of the message can work around: the partition must go.
struct CondemnOnPanic<'a>(&'a Desk);

impl Drop for CondemnOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.condemn();
        }
    }
}
