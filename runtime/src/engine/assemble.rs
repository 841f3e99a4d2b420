//! Puts the parts of all actors together, starts them, and ends them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tidegate::erased::DynHandler;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use super::crew::Crew;
use super::dead_letter::bury_exhausted;
use super::delivery::Home;
use super::drain::Drain;
use super::heartbeat::keep_leases;
use super::ledger::Ledger;
use super::router::Router;
use super::shard::Shard;
use super::status::Watch;
use super::supervisor::{Plan, Rebuild, Supervisor};
use super::threads::Threads;
use super::watchdog;
use crate::message::RetryPolicy;
use crate::port::{Room, Settle, Sink, Source, Store};
use crate::topology::Actor;

/// One actor to run: its rules, its handler, its ways to the world.
pub struct ActorPlan {
    /// The rules.
    pub actor: Actor,
    /// The handler.
    pub handler: Arc<dyn DynHandler>,
    /// Builds the handler anew, for a partition that died.
    pub rebuild: Rebuild,
    /// The ways.
    pub ports: Ports,
    /// The most bytes that the actor has in flight.
    pub memory: usize,
    /// What the subjects of its dead letters start with.
    pub dead_letters: String,
}

/// An actor's ways to the world.
pub struct Ports {
    /// Where its messages come from.
    pub source: Box<dyn Source>,
    /// The lowest sequence that is not settled; written by the engine, read by the source when it has to begin anew.
    pub floor: Arc<AtomicU64>,
    /// How they are settled.
    pub settle: Arc<dyn Settle>,
    /// Where emits and dead letters go.
    pub sink: Arc<dyn Sink>,
    /// Where the state of its entities is kept, if its handler keeps any.
    pub store: Option<Arc<dyn Store>>,
    /// The messages that the server gave up delivering, and how to settle its word of that.
    pub exhausted: Option<(Box<dyn Source>, Arc<dyn Settle>)>,
}

/// A running topology.
pub struct Engine {
    shards: JoinSet<()>,
    /// Tasks that serve the shards and end with the engine.
    servants: JoinSet<()>,
    drain: Drain,
    watch: Watch,
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
    /// Starts all actors. Must be called on a Tokio runtime inside an actix system.
    pub fn start(plans: Vec<ActorPlan>, threads: Threads, drain: Drain) -> Self {
        let names: Arc<[Arc<str>]> = plans.iter().map(|plan| plan.actor.name.as_str().into()).collect();
        let with_pulses = threads.with_pulses(&names);
        let mut servants = JoinSet::new();
        servants.spawn(watchdog::watch(with_pulses.iter().map(|(_, pulse)| Arc::clone(pulse)).collect()));
        let mut engine = Self { shards: JoinSet::new(), servants, drain, watch: Watch::default(), threads };
        for (index, plan) in (0..).zip(plans) {
            engine.start_actor(index, plan, &with_pulses);
        }
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

    fn start_actor(
        &mut self,
        index: u32,
        plan: ActorPlan,
        threads: &[(actix::ArbiterHandle, Arc<watchdog::Pulse>)],
    ) {
        let ActorPlan { actor, handler, rebuild, ports, memory, dead_letters } = plan;
        let (returns_sender, returns) = mpsc::channel(actor.window);
        // A partition exits at most twice: condemned by a lane, then dead.
        let (exits_sender, exits) = mpsc::channel(actor.partitions as usize * 2);
        let limit = Room { messages: actor.window, bytes: memory };
        let home = Arc::new(Home {
            ledger: Ledger::new(limit, ports.floor),
            settle: Arc::clone(&ports.settle),
            returns: returns_sender,
        });
        let crew = Arc::new(Crew {
            name: actor.name.as_str().into(),
            index,
            order: actor.order,
            keyless: actor.keyless,
            policy: RetryPolicy { max_deliver: actor.max_deliver, backoff: actor.backoff.clone() },
            timeout: actor.timeout,
            emits: actor
                .emits
                .iter()
                .map(|(port, pattern)| (port.as_str().into(), pattern.clone()))
                .collect(),
            dead_letters: dead_letters.into(),
            sink: ports.sink,
            store: ports.store,
            drain: self.drain.clone(),
            status: Arc::default(),
        });
        let router = Arc::new(Router::new(&actor));
        let plan = Plan {
            crew: Arc::clone(&crew),
            handler,
            rebuild,
            partitions: actor.partitions,
            mailbox: actor.mailbox,
            concurrency: actor.concurrency,
            budget: actor.restarts,
            threads: threads.to_vec(),
        };
        let room = Arc::new(Notify::new());
        self.watch.add(Arc::clone(&crew), Arc::clone(&home));
        self.servants.spawn(keep_leases(Arc::clone(&home), actor.ack_wait));
        if let Some((advisories, settle)) = ports.exhausted {
            let (router, crew, home) = (Arc::clone(&router), Arc::clone(&crew), Arc::clone(&home));
            self.servants.spawn(bury_exhausted(advisories, settle, router, crew, home));
        }
        let supervisor = Supervisor::start(plan, Arc::clone(&home), exits_sender, Arc::clone(&room));
        let shard = Shard {
            source: ports.source,
            home,
            crew,
            router,
            supervisor,
            returns,
            exits,
            room,
            partitions: actor.partitions,
            ack_wait: actor.ack_wait,
            drain: self.drain.clone(),
        };
        self.shards.spawn(shard.run());
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

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
