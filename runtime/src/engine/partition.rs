//! The actor: takes deliveries out of its mailbox and puts each into the lane of its entity.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use actix::prelude::*;
use tidegate::erased::DynHandler;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tracing::debug;

use super::crew::Crew;
use super::delivery::Delivery;
use super::lane;
use super::mailbox::PartitionSender;
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
    room: Arc<Notify>,
    /// Owned here, so that no lane outlives its partition.
    lanes: JoinSet<()>,
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
    /// The right to run attempts. Closed when the partition is to die.
    pub(super) slots: Arc<Semaphore>,
    /// The deliveries that wait behind the one in hand, for every entity that has one in hand.
    waiting: RefCell<HashMap<Box<str>, VecDeque<Delivery>>>,
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
    /// How many attempts run at a time.
    pub(crate) concurrency: usize,
    /// Notified whenever a delivery leaves the mailbox.
    pub(crate) room: Arc<Notify>,
    /// Where its death is told; with room for two exits of every partition.
    pub(crate) exits: mpsc::Sender<Exit>,
    /// Which start of this partition it is.
    pub(crate) generation: u32,
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
        // Given to the context, the channel has its capacity from the first message on.
        let (sender, receiver) = actix::dev::channel::channel(self.mailbox);
        arbiter.spawn_fn(move || {
            let context = Context::with_receiver(receiver);
            context.run(Partition::new(self));
        });
        PartitionSender::new(Addr::new(sender))
    }
}

impl Partition {
    fn new(blueprint: Blueprint) -> Self {
        let desk = Desk {
            crew: blueprint.crew,
            handler: blueprint.handler,
            id: blueprint.id,
            pulse: blueprint.pulse,
            exits: blueprint.exits,
            generation: blueprint.generation,
            slots: Arc::new(Semaphore::new(blueprint.concurrency)),
            waiting: RefCell::default(),
        };
        let desk = Rc::new(desk);
        Self {
            desk: Rc::clone(&desk),
            room: blueprint.room,
            lanes: JoinSet::new(),
            _notice: DeathNotice(desk),
        }
    }

    fn open_lane(&mut self, delivery: Delivery, slot: OwnedSemaphorePermit) {
        self.lanes.spawn_local(lane::run(Rc::clone(&self.desk), delivery, slot));
    }
}

impl Actor for Partition {
    type Context = Context<Self>;
}

impl Message for Delivery {
    type Result = ();
}

impl Handler<Delivery> for Partition {
    type Result = ();

    fn handle(&mut self, delivery: Delivery, ctx: &mut Context<Self>) {
        self.room.notify_one();
        while self.lanes.try_join_next().is_some() {}
        let Some(delivery) = self.desk.queue(delivery) else { return };
        match Arc::clone(&self.desk.slots).try_acquire_owned() {
            Ok(slot) => self.open_lane(delivery, slot),
            // Lanes are tasks of their own, not `ctx.spawn`ed, so they can free a slot while this context waits.
            Err(_) => ctx.wait(Arc::clone(&self.desk.slots).acquire_owned().into_actor(self).map(
                |slot, partition, _| {
                    if let Ok(slot) = slot {
                        partition.open_lane(delivery, slot);
                    }
                },
            )),
        }
    }
}

impl Desk {
    /// Queues a delivery behind those of its entity, or gives it back because it is the entity's first.
    fn queue(&self, delivery: Delivery) -> Option<Delivery> {
        if !self.is_ordered(&delivery) {
            return Some(delivery);
        }
        let mut waiting = self.waiting.borrow_mut();
        if let Some(queue) = waiting.get_mut(&*delivery.message.key) {
            queue.push_back(delivery);
            return None;
        }
        waiting.insert(delivery.message.key.clone(), VecDeque::new());
        Some(delivery)
    }

    /// The delivery that follows `done` in its lane; without one the lane ends.
    pub(super) fn next_after(&self, done: &tidegate::Message) -> Option<Delivery> {
        let mut waiting = self.waiting.borrow_mut();
        let next = waiting.get_mut(&*done.key)?.pop_front();
        if next.is_none() {
            waiting.remove(&*done.key);
        }
        next
    }

    /// Lets nothing more run, and tells the shard that this partition must be replaced.
    pub(super) fn condemn(&self) {
        // Once, however many lanes panic: the shard has room for two exits of a partition.
        if !self.slots.is_closed() {
            self.slots.close();
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
        self.0.slots.close();
        self.0.waiting.borrow_mut().clear();
        self.0.exit();
    }
}
