//! A one-actor engine on the broker in memory, and a handler that writes down what it does.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tidegate::prelude::*;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::engine::{
    ActorPlan, Assignment, ControlPlan, Drain, Engine, FlowPlan, Instance, Outlet, Ports, Threads,
};
use crate::memory::{
    ConsumerRules, MemoryAlarm, MemoryBroker, MemoryControls, MemoryHeld, MemorySource, MemoryTaps,
};
use crate::message::{InstanceId, ShardId};
use crate::port::{Source, Store, Tenure};
use crate::topology::{Actor, Alerts, DeadLetterLimits, KeySource, Keyless, Order};

/// What a message asks of the handler.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) entity: String,
    /// How long an attempt takes, in milliseconds.
    pub(super) takes: u64,
    /// How many attempts fail before one succeeds.
    pub(super) fails: u32,
    /// How many of the first attempts kill the partition.
    pub(super) kills: u32,
    /// The failing attempts panic instead.
    pub(super) panics: bool,
}

/// One line of the handler's diary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) sequence: u64,
    pub(super) attempt: u32,
    pub(super) started: Instant,
    pub(super) ended: Option<Instant>,
}

/// What the handler did, and whether it is broken.
#[derive(Debug, Clone, Default)]
pub(super) struct Diary(Arc<Mutex<Vec<Entry>>>, Arc<AtomicBool>);

impl Diary {
    /// Fails every attempt from here on, or no longer.
    pub(super) fn break_handler(&self, is_broken: bool) {
        self.1.store(is_broken, Ordering::Relaxed);
    }

    fn is_broken(&self) -> bool {
        self.1.load(Ordering::Relaxed)
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn start(&self, sequence: u64, attempt: u32) -> usize {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(Entry { sequence, attempt, started: Instant::now(), ended: None });
        entries.len() - 1
    }

    fn end(&self, index: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[index].ended = Some(Instant::now());
    }
}

#[derive(Debug)]
struct Clerk(Diary);

#[derive(Debug, Serialize)]
struct Done {
    count: u64,
}

impl Emit for Done {
    const PORT: &'static str = "done";
}

/// An error whose text cannot be had: the engine's own code panics on it, outside of the handler's fence.
#[derive(Debug)]
struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("this error cannot be spoken of")
    }
}

impl std::error::Error for Unspeakable {}

impl Handler for Clerk {
    type Input = Task;
    type State = u64;
    type Output = Done;

    async fn handle(&self, task: Task, cx: &mut Context<u64>) -> Result<Done> {
        let line = self.0.start(cx.sequence(), cx.attempt());
        tokio::time::sleep(Duration::from_millis(task.takes)).await;
        if cx.attempt() <= task.kills {
            return Err(Unspeakable.into());
        }
        self.0.end(line);
        if self.0.is_broken() {
            return Err(HandlerError::new("a bad deploy"));
        }
        if cx.attempt() <= task.fails {
            assert!(!task.panics, "as the task asks");
            return Err(HandlerError::new("as the task asks"));
        }
        cx.state += 1;
        Ok(Done { count: cx.state })
    }
}

/// An actor with room for changes.
pub(super) fn actor() -> Actor {
    Actor {
        name: "clerk".parse().expect("a name"),
        handler: "clerk".parse().expect("a name"),
        stream: "MEMORY".parse().expect("a name"),
        subjects: vec!["tasks.{entity}".parse().expect("a pattern")],
        shards: 1,
        key: KeySource::Token("entity".to_owned()),
        keyless: Keyless::DeadLetter,
        order: Order::Entity,
        emits: BTreeMap::from([(
            "done".parse().expect("a name"),
            "done.{entity}".parse().expect("a pattern"),
        )]),
        outputs: BTreeSet::new(),
        gates: BTreeSet::new(),
        partitions: 4,
        mailbox: 4,
        concurrency: 3,
        window: 16,
        max_deliver: 4,
        handovers: 5,
        backoff: vec![Duration::from_millis(20), Duration::from_millis(100)],
        timeout: Duration::from_secs(5),
        ack_wait: Duration::from_secs(10),
        restarts: 5,
        settings: serde_json::json!({}),
        alerts: Alerts::default(),
        dead_letter_limits: DeadLetterLimits::default(),
    }
}

/// What an engine finds around it.
pub(super) struct Surroundings {
    pub(super) flow: Option<FlowPlan>,
    pub(super) gates: Vec<Outlet>,
    pub(super) controls: MemoryControls,
    pub(super) id: &'static str,
    pub(super) owners: BTreeMap<ShardId, InstanceId>,
    pub(super) alarm: MemoryAlarm,
    pub(super) held: MemoryHeld,
    pub(super) taps: MemoryTaps,
    /// The right to the shard.
    pub(super) tenure: Arc<Tenure>,
    /// Where states are kept, if not by the broker.
    pub(super) states: Option<Arc<dyn Store>>,
    /// Where tries are written down, if not by the broker.
    pub(super) trials: Option<Arc<dyn Store>>,
    /// Where messages come from, if not straight from the broker.
    pub(super) source: Option<Box<dyn Source>>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            flow: None,
            gates: Vec::new(),
            controls: MemoryControls::default(),
            id: "bench",
            owners: BTreeMap::new(),
            alarm: MemoryAlarm::default(),
            held: MemoryHeld::default(),
            taps: MemoryTaps::default(),
            tenure: Arc::default(),
            states: None,
            trials: None,
            source: None,
        }
    }
}

/// A running engine.
pub(super) struct Bench {
    pub(super) broker: MemoryBroker,
    pub(super) diary: Diary,
    pub(super) engine: Engine,
}

impl Bench {
    pub(super) fn broker_for(actor: &Actor) -> MemoryBroker {
        MemoryBroker::new(ConsumerRules {
            ack_wait: actor.ack_wait,
            max_ack_pending: actor.window,
            max_deliver: actor.max_deliver + actor.handovers,
        })
    }

    pub(super) fn start(actor: Actor, broker: MemoryBroker) -> Self {
        Self::start_with(actor, broker, None, Vec::new())
    }

    /// A bench that sees flows and waits at gates.
    pub(super) fn start_with(
        actor: Actor,
        broker: MemoryBroker,
        flow: Option<FlowPlan>,
        gates: Vec<Outlet>,
    ) -> Self {
        Self::start_among(actor, broker, Surroundings { flow, gates, ..Surroundings::default() })
    }

    /// A bench that has others around it.
    pub(super) fn start_among(actor: Actor, broker: MemoryBroker, around: Surroundings) -> Self {
        let Surroundings {
            flow,
            gates,
            controls,
            id,
            owners,
            alarm,
            held,
            taps,
            tenure,
            states,
            trials,
            source,
        } = around;
        let states = states.unwrap_or_else(|| Arc::new(broker.clone()));
        let trials = trials.unwrap_or_else(|| Arc::new(broker.clone()));
        let source = source.unwrap_or_else(|| Box::new(MemorySource::new(&broker)));
        let diary = Diary::default();
        let handler = tidegate::erased::erase(Clerk(diary.clone()));
        let rebuilt = Arc::clone(&handler);
        let ports = Ports {
            source,
            tenure,
            floor: Arc::default(),
            settle: Arc::new(broker.clone()),
            exhausted: None,
        };
        let plan = ActorPlan {
            actor,
            handler,
            rebuild: Arc::new(move || Ok(Arc::clone(&rebuilt))),
            sink: Arc::new(broker.clone()),
            store: Some(states),
            shards: vec![ports],
            memory: 1 << 20,
            dead_letters: "dead".to_owned(),
            gates,
            held: Arc::new(held),
        };
        let mine = BTreeSet::from([ShardId { actor: "clerk".into(), shard: 0 }]);
        let instance = Instance {
            id: id.parse().expect("an id"),
            process: serde_json::from_value("bench/1/1".into()).expect("a process is a text"),
            assignment: watch::channel(Assignment { mine, owners, ..Assignment::default() }).1,
            owners: Arc::new(broker.clone()),
            trials,
            patience: Duration::from_secs(30),
            alarm: Arc::new(alarm),
            taps: Arc::new(taps),
        };
        let controls = ControlPlan {
            controls: Arc::new(controls.clone()),
            watch: Box::new(controls.watch()),
            known: controls.entries(),
        };
        let engine =
            Engine::start(vec![plan], flow, controls, &instance, Threads::current(), Drain::default());
        Self { broker, diary, engine }
    }

    pub(super) fn publish(broker: &MemoryBroker, task: &Task) -> u64 {
        let payload = serde_json::to_vec(task).expect("a task is JSON");
        broker.publish(&format!("tasks.{}", task.entity), payload)
    }

    /// Waits, on the paused clock, until nothing is left to do.
    pub(super) async fn finished(&self) {
        let finished = async {
            while !self.broker.is_finished() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(600), finished)
            .await
            .expect("the work ends within ten minutes");
    }
}

/// Runs a test on one thread whose clock is paused: it jumps when all wait.
pub(super) fn on_paused_clock<F: Future>(test: F) -> F::Output {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(true).build().expect("a runtime")
    };
    actix_rt::System::with_tokio_rt(runtime).block_on(test)
}
