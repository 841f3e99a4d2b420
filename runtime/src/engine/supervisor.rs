//! Starts partitions, restarts those that die, and feeds them in stream order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tidegate::erased::DynHandler;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::crew::Crew;
use super::delivery::{Delivery, Home, wall_clock};
use super::mailbox::PartitionSender;
use super::partition::{Blueprint, Exit};
use super::threads::Thread;
use crate::message::{Cause, Failure, PartitionId};

/// The wait before the first restart within a minute; it doubles with each.
const FIRST_RESTART: Duration = Duration::from_millis(100);

/// The span in which restarts count against the budget.
const BUDGET_SPAN: Duration = Duration::from_secs(60);

/// Builds the actor's handler anew.
pub type Rebuild = Arc<dyn Fn() -> tidegate::Result<Arc<dyn DynHandler>> + Send + Sync>;

/// What a supervisor starts partitions with.
pub(crate) struct Plan {
    pub(crate) crew: Arc<Crew>,
    pub(crate) handler: Arc<dyn DynHandler>,
    pub(crate) rebuild: Rebuild,
    pub(crate) partitions: u32,
    pub(crate) mailbox: usize,
    /// Restarts of one partition within a minute, past which its shard has failed.
    pub(crate) budget: u32,
    pub(crate) threads: Vec<Thread>,
}

/// All partitions of one shard.
pub(crate) struct Supervisor {
    plan: Plan,
    home: Arc<Home>,
    exits: mpsc::Sender<Exit>,
    room: Arc<Notify>,
    berths: Vec<Berth>,
    held: usize,
    /// The first partition whose mailbox was full, while it is.
    full: Option<PartitionId>,
}

/// The shard cannot go on: a partition died too often.
#[derive(Debug)]
pub(crate) struct BudgetSpent;

/// One partition, running or not, and what waits for a place in its mailbox.
struct Berth {
    id: PartitionId,
    generation: u32,
    state: State,
    /// Admitted, in stream order, not in the mailbox yet.
    held: VecDeque<Delivery>,
    restarts: VecDeque<Instant>,
}

enum State {
    Open(PartitionSender),
    /// Dead or dying; its deliveries are on their way home.
    Closing,
    /// All are home; to be started then.
    Due(Instant),
}

impl Plan {
    fn thread_of(&self, id: PartitionId) -> &Thread {
        // Spread by actor, too: the first partitions of many actors must not all share a thread.
        &self.threads[(id.0 as usize + self.crew.index as usize) % self.threads.len()]
    }
}

impl Supervisor {
    pub(crate) fn start(plan: Plan, home: Arc<Home>, exits: mpsc::Sender<Exit>, room: Arc<Notify>) -> Self {
        let mut supervisor = Self { plan, home, exits, room, berths: Vec::new(), held: 0, full: None };
        for partition in 0..supervisor.plan.partitions {
            let id = PartitionId(partition);
            let sender = supervisor.open(id, 0, Arc::clone(&supervisor.plan.handler));
            let state = State::Open(sender);
            supervisor.berths.push(Berth {
                id,
                generation: 0,
                state,
                held: VecDeque::new(),
                restarts: VecDeque::new(),
            });
        }
        supervisor
    }

    /// Whether deliveries wait for places in mailboxes: nothing more may be pulled meanwhile.
    pub(crate) fn is_holding(&self) -> bool {
        self.held > 0
    }

    /// Takes a delivery for its partition, behind those that wait for a place there: [`pump`](Self::pump) hands it over.
    pub(crate) fn take(&mut self, delivery: Delivery) {
        self.held += 1;
        self.berths[delivery.partition.0 as usize].held.push_back(delivery);
    }

    /// Fills mailboxes that have room. A partition that gets several messages at a time is woken once.
    pub(crate) fn pump(&mut self) {
        if self.held > 0 {
            self.held -= self.berths.iter_mut().map(Berth::pump).sum::<usize>();
            self.tell_of_full();
        }
    }

    /// Tells whose mailbox is full, when that changes.
    fn tell_of_full(&mut self) {
        let is_still_full = |id: PartitionId| !self.berths[id.0 as usize].held.is_empty();
        if self.full.is_some_and(is_still_full) || self.full.is_none() && self.held == 0 {
            return;
        }
        let full = self.berths.iter().find(|berth| !berth.held.is_empty()).map(|berth| berth.id);
        self.full = full;
        self.home.status.hold(full.map(|partition| (partition, SystemTime::now())));
    }

    /// A partition is dead or has to go.
    pub(crate) fn on_exit(&mut self, exit: Exit) {
        let berth = &mut self.berths[exit.partition.0 as usize];
        if exit.generation == berth.generation && matches!(berth.state, State::Open(_)) {
            warn!(actor = %self.plan.crew.name, partition = %exit.partition, "partition died, its messages come back");
            // Without its sender a partition that is still alive stops, too.
            berth.state = State::Closing;
        }
    }

    /// Whether nothing keeps a partition from its work: it is there, its thread runs, and it has a slot to spare.
    pub(crate) fn is_free(&self, id: PartitionId) -> bool {
        let (_, pulse) = self.plan.thread_of(id);
        matches!(self.berths[id.0 as usize].state, State::Open(_))
            && !pulse.is_silent()
            && self.plan.crew.slots[id.0 as usize].available_permits() > 0
    }

    /// A partition does not work although nothing keeps it: it is to die.
    pub(crate) fn replace(&mut self, id: PartitionId) {
        let berth = &mut self.berths[id.0 as usize];
        if let State::Open(sender) = std::mem::replace(&mut berth.state, State::Closing) {
            sender.condemn();
        }
    }

    /// A delivery came home unsettled. One that was running when its partition died has used up an attempt.
    pub(crate) fn on_return(&mut self, mut delivery: Delivery) {
        delivery.lease.put_back();
        if let Some(began) = delivery.running {
            let started = wall_clock(began);
            let failure = Failure::new(delivery.attempt, started, Cause::PartitionDied, "the partition died");
            self.plan.crew.status.attempt_failed(failure.cause);
            delivery.end();
            delivery.attempt += 1;
            delivery.failures.push(failure);
        }
        self.held += 1;
        self.berths[delivery.partition.0 as usize].held.push_back(delivery);
    }

    /// Restarts what can be: partitions whose deliveries are all home, after their backoff.
    ///
    /// # Errors
    /// When a partition has used up its budget.
    pub(crate) fn restart(&mut self) -> Result<(), BudgetSpent> {
        let now = Instant::now();
        for index in 0..self.berths.len() {
            let berth = &mut self.berths[index];
            match berth.state {
                State::Closing if self.home.ledger.held_by(berth.id) == berth.held.len() => {
                    let recent = berth.count_restart(now);
                    if recent > self.plan.budget {
                        error!(actor = %self.plan.crew.name, partition = %berth.id, restarts = recent - 1, "actor failed: restart budget spent");
                        return Err(BudgetSpent);
                    }
                    berth.state = State::Due(now + FIRST_RESTART * 2_u32.saturating_pow(recent - 1).min(64));
                }
                State::Due(at) if at <= now => self.reopen(index),
                State::Open(_) | State::Closing | State::Due(_) => {}
            }
        }
        Ok(())
    }

    /// Waits until [`restart`](Self::restart) has something to do; for ever when nothing is due.
    pub(crate) async fn restart_due(&self) {
        let due = self.berths.iter().filter_map(|berth| match berth.state {
            State::Due(at) => Some(at),
            State::Open(_) | State::Closing => None,
        });
        match due.min() {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Takes out what waits for a place, to be handed back to the broker.
    pub(crate) fn take_held(&mut self) -> Vec<Delivery> {
        self.held = 0;
        self.berths.iter_mut().flat_map(|berth| berth.held.drain(..)).collect()
    }

    fn reopen(&mut self, index: usize) {
        let crew = &self.plan.crew;
        let handler = (self.plan.rebuild)().unwrap_or_else(|error| {
            error!(actor = %crew.name, %error, "handler cannot be rebuilt, the old one goes on");
            Arc::clone(&self.plan.handler)
        });
        crew.status.restarted();
        let (id, generation) = (self.berths[index].id, self.berths[index].generation + 1);
        warn!(actor = %crew.name, partition = %id, "partition restarted");
        let sender = self.open(id, generation, handler);
        let berth = &mut self.berths[index];
        berth.held.make_contiguous().sort_by_key(|delivery| delivery.message.sequence);
        (berth.generation, berth.state) = (generation, State::Open(sender));
        self.held -= berth.pump();
        self.tell_of_full();
    }

    fn open(&self, id: PartitionId, generation: u32, handler: Arc<dyn DynHandler>) -> PartitionSender {
        let plan = &self.plan;
        let (arbiter, pulse) = plan.thread_of(id);
        let blueprint = Blueprint {
            crew: Arc::clone(&plan.crew),
            handler,
            id,
            pulse: Arc::clone(pulse),
            mailbox: plan.mailbox,
            room: Arc::clone(&self.room),
            exits: self.exits.clone(),
            generation,
            condemned: CancellationToken::new(),
        };
        blueprint.start_on(arbiter)
    }
}

impl Berth {
    /// Moves what it can into the mailbox; returns how many.
    fn pump(&mut self) -> usize {
        match &self.state {
            // A dead partition announces itself: what it refuses waits for its successor.
            State::Open(sender) => sender.fill(&mut self.held),
            State::Closing | State::Due(_) => 0,
        }
    }

    fn count_restart(&mut self, now: Instant) -> u32 {
        self.restarts.push_back(now);
        while self.restarts.front().is_some_and(|at| now - *at > BUDGET_SPAN) {
            self.restarts.pop_front();
        }
        u32::try_from(self.restarts.len()).unwrap_or(u32::MAX)
    }
}
