//! Puts the parts of all actors together, starts them, and ends them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crossbeam_utils::CachePadded;
use tidegate::erased::DynHandler;
use tidegate::subject::Pattern;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use super::alert::{Guard, Guarded, Raised};
use super::control::{self, Breaker, ControlPlan, Helm};
use super::crew::Crew;
use super::dead_letter::Undertaker;
use super::drain::Drain;
use super::duty::Duty;
use super::flow::{Allowance, Board, FlowPlan, Gate, Outlet, Passage};
use super::lanes::{Thermometers, Waits};
use super::membership::Assignment;
use super::quarantine::Cell;
use super::router::Router;
use super::shard::Shard;
use super::shift::ShiftPlan;
use super::status::{Patience, ShardStatus, Watch, Watched};
use super::supervisor::Rebuild;
use super::tap::{self, Tap};
use super::threads::{Thread, Threads};
use super::title::Title;
use super::watchdog;
use crate::message::{InstanceId, ProcessId, RetryPolicy, ShardId};
use crate::port::{Alarm, Held, Room, Settle, Sink, Source, Store, Taps, Tenure};
use crate::telemetry::metric;
use crate::topology::Actor;

/// What a busy machine may add to what shards take by themselves.
const GRACE: Duration = Duration::from_secs(10);

/// One actor to run: its rules, its handler, its ways to the world.
pub struct ActorPlan {
    /// The rules.
    pub actor: Actor,
    /// The handler.
    pub handler: Arc<dyn DynHandler>,
    /// Builds the handler anew, for a partition that died.
    pub rebuild: Rebuild,
    /// Where emits and dead letters go.
    pub sink: Arc<dyn Sink>,
    /// Where the state of its entities is kept, if its handler keeps any.
    pub store: Option<Arc<dyn Store>>,
    /// The ways of its shards, one after the other.
    pub shards: Vec<Ports>,
    /// The most bytes that each of its shards has in flight.
    pub memory: usize,
    /// What the subjects of its dead letters start with.
    pub dead_letters: String,
    /// Its outputs that make it wait.
    pub gates: Vec<Outlet>,
    /// Counts its dead letters.
    pub held: Arc<dyn Held>,
}

/// A shard's ways to the world.
pub struct Ports {
    /// Where its messages come from.
    pub source: Box<dyn Source>,
    /// The right to pull them; granted by the source, read by the engine.
    pub tenure: Arc<Tenure>,
    /// The lowest sequence that is not settled; written by the engine, read by the source when it has to begin anew.
    pub floor: Arc<AtomicU64>,
    /// How they are settled.
    pub settle: Arc<dyn Settle>,
    /// The messages that the server gave up delivering, and how to settle its word of that.
    pub exhausted: Option<(Box<dyn Source>, Arc<dyn Settle>)>,
}

/// This process among those that share the work.
pub struct Instance {
    /// What it is called.
    pub id: InstanceId,
    /// Which process it is.
    pub process: ProcessId,
    /// Which shards it is to own.
    pub assignment: watch::Receiver<Assignment>,
    /// Where the owners of the shards are written down.
    pub owners: Arc<dyn Store>,
    /// Where the tries of messages are written down that were delivered before.
    pub trials: Arc<dyn Store>,
    /// How long a shard that is to be another's waits for what runs.
    pub patience: Duration,
    /// Who is told of alerts.
    pub alarm: Arc<dyn Alarm>,
    /// Who is shown messages.
    pub taps: Arc<dyn Taps>,
}

/// A running topology.
pub struct Engine {
    shards: JoinSet<()>,
    /// Tasks that serve the shards and end with the engine.
    servants: JoinSet<()>,
    drain: Drain,
    watch: Watch,
    /// What is known of the flow of streams.
    board: watch::Sender<Board>,
    cell: Cell,
    threads: Threads,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Everything is settled or handed back.
    Clean,
    /// Time ran out: what was still running will be delivered again.
    TimedOut,
}

impl Engine {
    /// Starts all actors, and reckons streams as far as that is ours to do. Must be called on a Tokio runtime inside an
    /// actix system.
    pub fn start(
        plans: Vec<ActorPlan>,
        flow: Option<FlowPlan>,
        controls: ControlPlan,
        instance: &Instance,
        threads: Threads,
        drain: Drain,
    ) -> Self {
        let names: Arc<[Arc<str>]> = plans.iter().map(|plan| plan.actor.name.as_str().into()).collect();
        let with_pulses = threads.with_pulses(&names);
        let mut servants = JoinSet::new();
        servants.spawn(watchdog::watch(with_pulses.iter().map(|(_, pulse)| Arc::clone(pulse)).collect()));
        let board = watch::Sender::default();
        if let Some(flow) = flow {
            flow.start(&mut servants, &board, &instance.id, &instance.assignment);
        }
        let raised = Raised::default();
        let mut watch = Watch::new(board.subscribe(), raised.subscribe());
        watch.feel(with_pulses.iter().map(|(_, pulse)| Arc::clone(pulse)));
        let (shards, cell) = (JoinSet::new(), Cell::default());
        let mut engine = Self { shards, servants, drain, watch, board, cell, threads };
        let helms: Vec<_> = plans.iter().map(|plan| engine.helm(plan, &controls, instance)).collect();
        let taps = engine.taps(&names, instance);
        let mut guarded = Vec::new();
        for (index, ((plan, helm), tap)) in (0..).zip(plans.into_iter().zip(&helms).zip(&taps)) {
            guarded.push(engine.start_actor(index, plan, (helm, tap), instance, &with_pulses));
        }
        engine.guard(guarded, raised, instance);
        engine.servants.spawn(control::keep(helms, controls.watch));
        engine
    }

    /// The counters of all actors.
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// Waits until all actors have ended, which they do only when drained or failed.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn ended(&mut self) {
        while let Some(ended) = self.shards.join_next().await {
            if let Err(error) = ended {
                error!(%error, "shard died, its actor stands still");
            }
        }
    }

    /// Stops pulling, lets what runs finish within `limit`, hands the rest back, and stops the threads.
    pub async fn drain(mut self, limit: Duration) -> Drained {
        self.drain.begin();
        let ended = tokio::time::timeout(limit, self.ended()).await;
        self.servants.abort_all();
        self.threads.stop();
        match ended {
            Ok(()) => {
                info!("drained");
                Drained::Clean
            }
            Err(_) => {
                warn!(limit = ?limit, "drain timed out, what still runs will be delivered again");
                Drained::TimedOut
            }
        }
    }

    /// What an actor may do, from the start on.
    fn helm(&mut self, plan: &ActorPlan, controls: &ControlPlan, instance: &Instance) -> Arc<Helm> {
        let actor = &plan.actor;
        let (name, limits) = (actor.name.as_str(), actor.dead_letter_limits);
        let helm = Arc::new(Helm::new(name.into(), instance.id.to_string(), limits));
        self.servants.spawn(control::count(Arc::clone(&helm), Arc::clone(&plan.held)));
        if let Some(known) = controls.known.iter().find(|known| known.actor == name) {
            helm.see(known.control.clone());
        }
        let breaker = Breaker {
            helm: Arc::clone(&helm),
            controls: Arc::clone(&controls.controls),
            assignment: instance.assignment.clone(),
        };
        self.servants.spawn(breaker.keep());
        helm
    }

    /// A tap for each actor.
    fn taps(&mut self, actors: &[Arc<str>], instance: &Instance) -> Vec<Arc<Tap>> {
        let (queue, waiting) = tap::queue();
        let tap = |actor: &Arc<str>| Tap::new(Arc::clone(actor), instance.id.to_string(), queue.clone());
        let taps: Vec<_> = actors.iter().map(tap).map(Arc::new).collect();
        self.servants.spawn(tap::hear(taps.clone(), instance.taps.watch()));
        self.servants.spawn(tap::show(waiting, Arc::clone(&instance.taps)));
        taps
    }

    fn start_actor(
        &mut self,
        index: u32,
        mut plan: ActorPlan,
        (helm, tap): (&Arc<Helm>, &Arc<Tap>),
        instance: &Instance,
        threads: &[Thread],
    ) -> Guarded {
        let shards = u32::try_from(plan.shards.len()).expect("a checked topology has few shards");
        let crew = crew_of(index, &plan, (helm, tap), instance, &self.cell);
        let router = Arc::new(Router::new(&plan.actor));
        let ids = (0..shards).map(|shard| ShardId { actor: Arc::clone(&crew.name), shard });
        let statuses: Vec<_> = ids.map(|id| Arc::new(ShardStatus::new(id))).collect();
        let (passage, allowance) =
            self.gate(std::mem::take(&mut plan.gates), &crew, statuses.clone(), instance);
        let actor = &plan.actor;
        let patience = patience_with(actor);
        for (status, ports) in statuses.iter().zip(plan.shards) {
            let id = status.id().clone();
            let shift = ShiftPlan {
                crew: crew.clone(),
                handler: Arc::clone(&plan.handler),
                rebuild: Arc::clone(&plan.rebuild),
                router: Arc::clone(&router),
                settle: ports.settle,
                tenure: ports.tenure,
                floor: ports.floor,
                threads: threads.to_vec(),
                status: Arc::clone(status),
                passage: passage.clone(),
                allowance: Arc::clone(&allowance),
                partitions: actor.partitions,
                shards,
                mailbox: actor.mailbox,
                restarts: actor.restarts,
                limit: Room { messages: actor.window, bytes: plan.memory },
                ack_wait: actor.ack_wait,
                patience: instance.patience,
            };
            let undertaker = ports.exhausted.map(|(advisories, settle)| Undertaker { advisories, settle });
            let shard = Shard {
                source: ports.source,
                title: Title::new(Arc::clone(&instance.owners), &id, instance.id.clone()),
                duty: Duty::new(id, instance.assignment.clone()),
                plan: shift,
                undertaker: undertaker.map(|undertaker| Arc::new(Mutex::new(undertaker))),
                drain: self.drain.clone(),
            };
            self.shards.spawn(shard.run());
        }
        self.servants.spawn(crew.heat.clone().keep());
        let (status, shards) = (Arc::clone(&crew.status), statuses.clone());
        let guarded = Guarded::new(&plan.actor.alerts, Arc::clone(helm), status, shards);
        self.watch.add(Watched {
            helm: Arc::clone(helm),
            status: crew.status,
            shards: statuses,
            patience,
            heat: crew.heat,
            waits: crew.waits,
        });
        guarded
    }

    fn guard(&mut self, actors: Vec<Guarded>, raised: Raised, instance: &Instance) {
        let guard = Guard {
            instance: instance.id.to_string(),
            actors,
            board: self.board.subscribe(),
            assignment: instance.assignment.clone(),
            alarm: Arc::clone(&instance.alarm),
            raised,
        };
        self.servants.spawn(guard.keep());
    }

    /// Keeps the gates of an actor; tells what may be taken in, and how much of it.
    fn gate(
        &mut self,
        outlets: Vec<Outlet>,
        crew: &Crew,
        shards: Vec<Arc<ShardStatus>>,
        instance: &Instance,
    ) -> (watch::Receiver<Passage>, Arc<Allowance>) {
        let (sender, passage) = watch::channel(Passage::at_first(crew.helm.control().borrow().state));
        let allowance = Arc::new(Allowance::new());
        let gate = Gate {
            actor: Arc::clone(&crew.name),
            helm: Arc::clone(&crew.helm),
            outlets,
            shards,
            board: self.board.subscribe(),
            assignment: instance.assignment.clone(),
            status: Arc::clone(&crew.status),
            passage: sender,
            allowance: Arc::clone(&allowance),
        };
        self.servants.spawn(gate.keep());
        (passage, allowance)
    }
}

/// How long the shards of an actor may take before they stand still: an attempt, and a take-over, which itself gives up
/// after twice `ack_wait`.
fn patience_with(actor: &Actor) -> Patience {
    Patience { attempt: actor.timeout + GRACE, claim: 2 * actor.ack_wait + GRACE }
}

fn crew_of(
    index: u32,
    plan: &ActorPlan,
    (helm, tap): (&Arc<Helm>, &Arc<Tap>),
    instance: &Instance,
    cell: &Cell,
) -> Crew {
    let actor = &plan.actor;
    let emits = actor.emits.iter().map(|(port, pattern)| (port.as_str().into(), pattern.clone()));
    let destinations = actor.emits.values().map(Pattern::as_str).chain([plan.dead_letters.as_str()]);
    let timers = metric::timers(actor.name.as_str(), destinations);
    let slots = (0..actor.partitions).map(|_| CachePadded::new(Semaphore::new(actor.concurrency)));
    Crew {
        name: actor.name.as_str().into(),
        index,
        order: actor.order,
        keyless: actor.keyless,
        policy: RetryPolicy { max_deliver: actor.max_deliver, backoff: actor.backoff.clone() },
        timeout: actor.timeout,
        emits: Arc::new(emits.collect()),
        dead_letters: plan.dead_letters.as_str().into(),
        sink: Arc::clone(&plan.sink),
        store: plan.store.clone(),
        trials: Arc::clone(&instance.trials),
        process: Arc::new(instance.process.clone()),
        cell: cell.clone(),
        slots: slots.collect(),
        drain: Drain::default(),
        tenure: Arc::default(),
        helm: Arc::clone(helm),
        status: Arc::default(),
        timers,
        tap: Arc::clone(tap),
        heat: Thermometers::new(actor.partitions),
        waits: Waits::default(),
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("shards", &self.shards.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for ActorPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorPlan").field("actor", &self.actor.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
