//! The actor: takes deliveries out of its mailbox and puts each into the lane of its entity.

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use actix::prelude::*;
use bytestring::ByteString;
use foldhash::fast::RandomState;
use tidegate::erased::DynHandler;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::crew::Crew;
use super::delivery::Delivery;
use super::effects::States;
use super::mailbox::{Batch, Filling, PartitionSender};
use super::slot::Slot;
use super::sprint::Sprint;
use super::watchdog::Pulse;
use crate::message::PartitionId;
use crate::topology::Order;

/// One supervised actor per partition of an actor's entities.
///
/// Waits for a slot before it takes the next delivery that could run, so that its mailbox fills, ingest stops, and the
/// broker keeps the rest. A delivery whose entity is busy needs no slot: it waits in the entity's lane.
#[derive(Debug)]
pub(crate) struct Partition {
    desk: Rc<Desk>,
    filling: Arc<Filling>,
    /// Of the batch in hand, what has not come to its turn: still counted as in the mailbox.
    batch: VecDeque<Delivery>,
    /// Owned here, so that no lane outlives its partition.
    lanes: JoinSet<()>,
    sprint: Sprint,
    _notice: DeathNotice,
}

/// What a partition shares with its lanes, on one thread.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) crew: Arc<Crew>,
    pub(super) handler: Arc<dyn DynHandler>,
    pub(super) id: PartitionId,
    pub(super) pulse: Arc<Pulse>,
    exits: mpsc::Sender<Exit>,
    generation: u32,
    condemned: CancellationToken,
    /// What entities' states are, as far as it is known.
    pub(super) states: RefCell<States>,
    /// The deliveries that wait behind the one in hand, for every entity that has one in hand.
    waiting: RefCell<HashMap<ByteString, VecDeque<Delivery>, RandomState>>,
}

/// How to start a partition.
#[derive(Debug, Clone)]
pub(crate) struct Blueprint {
    pub(crate) crew: Arc<Crew>,
    pub(crate) handler: Arc<dyn DynHandler>,
    pub(crate) id: PartitionId,
    pub(crate) pulse: Arc<Pulse>,
    /// How many deliveries wait in the mailbox.
    pub(crate) mailbox: usize,
    /// Notified when a mailbox that was full has room for many.
    pub(crate) room: Arc<Notify>,
    /// Where its death is told; with room for two exits of every partition.
    pub(crate) exits: mpsc::Sender<Exit>,
    /// Which start of this partition it is.
    pub(crate) generation: u32,
    /// Cancelled when the partition is to die: nothing more runs in it.
    pub(crate) condemned: CancellationToken,
}

/// A partition is dead or must die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) partition: PartitionId,
    pub(crate) generation: u32,
}

/// Tells of the death when it is dropped, since actix announces none.
#[derive(Debug)]
struct DeathNotice(Rc<Desk>);

impl Blueprint {
    /// Starts the partition on the arbiter's thread. Death, also on the way, is announced by the notice.
    pub(crate) fn start_on(self, arbiter: &ArbiterHandle) -> PartitionSender {
        let condemned = self.condemned.clone();
        let filling = Arc::new(Filling::new(self.mailbox, Arc::clone(&self.room)));
        let filled = Arc::clone(&filling);
        // Given to the context, the channel has its capacity from the first message on.
        let (sender, receiver) = actix::dev::channel::channel(self.mailbox);
        arbiter.spawn_fn(move || {
            let context = Context::with_receiver(receiver);
            context.run(Partition::new(self, filled));
        });
        PartitionSender::new(Addr::new(sender), filling, condemned)
    }
}

impl Partition {
    fn new(blueprint: Blueprint, filling: Arc<Filling>) -> Self {
        let partitions = blueprint.crew.slots.len();
        let desk = Desk {
            crew: blueprint.crew,
            handler: blueprint.handler,
            id: blueprint.id,
            pulse: blueprint.pulse,
            exits: blueprint.exits,
            generation: blueprint.generation,
            condemned: blueprint.condemned,
            states: RefCell::new(States::new(partitions)),
            waiting: RefCell::default(),
        };
        let desk = Rc::new(desk);
        Self {
            desk: Rc::clone(&desk),
            filling,
            batch: VecDeque::new(),
            lanes: JoinSet::new(),
            sprint: Sprint::new(),
            _notice: DeathNotice(desk),
        }
    }

    /// Puts what is left of the batch into lanes, until it has to wait for a slot.
    fn work(&mut self, ctx: &mut Context<Self>) {
        self.sprint.begin();
        while let Some(delivery) = self.batch.pop_front() {
            self.filling.leave();
            let Some(delivery) = self.desk.queue(delivery) else { continue };
            match Slot::try_take(&self.desk) {
                Some(slot) => self.open_lane(delivery, slot),
                // Lanes are tasks of their own, not `ctx.spawn`ed, so they can free a slot while this context waits.
                None => return self.wait_for_slot(delivery, ctx),
            }
        }
    }

    fn wait_for_slot(&mut self, delivery: Delivery, ctx: &mut Context<Self>) {
        let desk = Rc::clone(&self.desk);
        let slot = async move { Slot::take(&desk).await };
        ctx.wait(slot.into_actor(self).map(|slot, partition, ctx| {
            partition.sprint.begin();
            match slot {
                Some(slot) => partition.open_lane(delivery, slot),
                None => partition.desk.close_lane(&delivery.message),
            }
            partition.work(ctx);
        }));
    }

    fn open_lane(&mut self, delivery: Delivery, slot: Slot) {
        if let Some(lane) = self.sprint.run(&self.desk, delivery, slot) {
            self.lanes.spawn_local(lane);
        }
    }
}

impl Actor for Partition {
    type Context = Context<Self>;
}

impl Message for Batch {
    type Result = ();
}

impl Handler<Batch> for Partition {
    type Result = ();

    /// Only called when the batch before is worked off.
    fn handle(&mut self, Batch(batch): Batch, ctx: &mut Context<Self>) {
        while self.lanes.try_join_next().is_some() {}
        self.batch = batch;
        self.work(ctx);
    }
}

impl Desk {
    /// Queues a delivery behind those of its entity, or gives it back because it is the entity's first.
    /// Once nothing more may run it goes home.
    fn queue(&self, delivery: Delivery) -> Option<Delivery> {
        if !self.may_run() {
            return None;
        }
        if !self.is_ordered(&delivery) {
            return Some(delivery);
        }
        match self.waiting.borrow_mut().entry(delivery.message.key.clone()) {
            Entry::Occupied(mut queue) => {
                queue.get_mut().push_back(delivery);
                None
            }
            Entry::Vacant(place) => {
                place.insert(VecDeque::new());
                Some(delivery)
            }
        }
    }

    /// Whether a delivery waits behind `done` in its lane.
    pub(super) fn is_awaited(&self, done: &tidegate::Message) -> bool {
        self.waiting.borrow().get(&*done.key).is_some_and(|queue| !queue.is_empty())
    }

    /// The delivery that follows `done` in its lane; without one the lane ends.
    pub(super) fn next_after(&self, done: &tidegate::Message) -> Option<Delivery> {
        match self.waiting.borrow_mut().entry(done.key.clone()) {
            Entry::Occupied(mut queue) if !queue.get().is_empty() => queue.get_mut().pop_front(),
            Entry::Occupied(queue) => {
                queue.remove();
                None
            }
            Entry::Vacant(_) => None,
        }
    }

    /// Sends home what waits in the lane of a message that no lane will work on.
    pub(super) fn close_lane(&self, message: &tidegate::Message) {
        let waiting = self.waiting.borrow_mut().remove(&*message.key);
        drop(waiting);
    }

    /// Whether attempts may still be started.
    pub(super) fn may_run(&self) -> bool {
        !self.condemned.is_cancelled() && !self.crew.drain.has_begun()
    }

    /// Returns when nothing more may be started.
    pub(super) async fn stopped(&self) {
        tokio::select! {
            () = self.condemned.cancelled() => {}
            () = self.crew.drain.begun() => {}
        }
    }

    pub(super) fn slots(&self) -> &Semaphore {
        &self.crew.slots[self.id.0 as usize]
    }

    /// Lets nothing more run, and tells the shard that this partition must be replaced.
    pub(super) fn condemn(&self) {
        // Once, however many lanes panic: the shard has room for two exits of a partition.
        if !self.condemned.is_cancelled() {
            self.condemned.cancel();
            self.exit();
        }
    }

    fn exit(&self) {
        let exit = Exit { partition: self.id, generation: self.generation };
        if self.exits.try_send(exit).is_err() {
            debug!(actor = %self.crew.name, partition = %self.id, "partition ended after its shard");
        }
    }

    /// Without order, or without a key, each message is its own lane.
    pub(super) fn is_ordered(&self, delivery: &Delivery) -> bool {
        self.crew.order == Order::Entity && !delivery.message.key.is_empty()
    }
}

impl Drop for DeathNotice {
    fn drop(&mut self) {
        self.0.condemned.cancel();
        self.0.waiting.borrow_mut().clear();
        self.0.exit();
    }
}
