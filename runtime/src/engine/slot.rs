//! The right to run an attempt in a partition.

use std::rc::Rc;

use super::partition::Desk;

/// One of a partition's slots; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot(Rc<Desk>);

impl Slot {
    /// A slot, if one is free and attempts may still be started.
    pub(super) fn try_take(desk: &Rc<Desk>) -> Option<Self> {
        if !desk.may_run() {
            return None;
        }
        desk.slots().try_acquire().ok()?.forget();
        Some(Self(Rc::clone(desk)))
    }

    /// Waits for a slot; `None` when the partition is to die or the shard is drained. Who drains must not wait for slots
    /// that other shards of the actor keep.
    ///
    /// # Cancel safety
    /// A cancelled call gives up its place in the queue.
    pub(super) async fn take(desk: &Rc<Desk>) -> Option<Self> {
        if let Some(slot) = Self::try_take(desk) {
            return Some(slot);
        }
        tokio::select! {
            biased;
            () = desk.stopped() => None,
            slot = desk.slots().acquire() => {
                slot.expect("slots are never closed").forget();
                Some(Self(Rc::clone(desk)))
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.slots().add_permits(1);
    }
}
