//! Puts a topology together from its parts: what is on the server, the handlers, and the engine between them.

use std::num::NonZero;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;

use tidegate::subject::Pattern;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::handlers::{Built, Handlers};
use super::instance;
use super::running::Running;
use crate::engine::{
    ActorPlan, ControlPlan, Drain, Engine, FlowPlan, Instance, Membership, Outlet, Ports, StreamPlan,
    Threads, Watch,
};
use crate::message::{InstanceId, ShardId};
use crate::nats::{
    Connection, ConsumerPlan, ExhaustedSettle, ExhaustedSource, NatsAlarm, NatsControls, NatsFlows,
    NatsGauge, NatsHeld, NatsMembers, NatsSettle, NatsSink, NatsSource, NatsStore, NatsTaps, Provision,
    ProvisionError, Shard, StoredControl, Watched, names, provision,
};
use crate::port::{ControlsError, StoreError, Tenure};
use crate::telemetry::metric::{self, Labels};
use crate::topology::{Actor, Stream, Topology};

/// What a message weighs at most beyond its payload and headers: subject and reply subject.
const ENVELOPE: usize = 4096;

/// Why a topology cannot start.
#[derive(Debug, thiserror::Error)]
pub(super) enum AssembleError {
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    #[error(
        "`memory` gives each of {shards} shards {share} bytes, and one message of this server may have {largest}: a shard that receives one would stand still"
    )]
    Memory { shards: usize, share: usize, largest: usize },
    #[error("the bucket `{bucket}` cannot be opened")]
    Bucket { bucket: String, source: StoreError },
    #[error("what the actors may do cannot be read")]
    Controls(#[from] ControlsError),
}

/// Provides on the server what is missing there, and starts all actors.
///
/// Must be called inside [`engine::system::block_on`](crate::engine::system::block_on).
///
/// # Errors
/// When the server has something else than the topology needs, or does not answer.
pub(super) async fn start(
    topology: &Topology,
    handlers: &Handlers,
    connection: &Connection,
    id: InstanceId,
) -> Result<Running, AssembleError> {
    let memory = share_of_memory(topology, connection)?;
    let provided = provision(connection, topology, &Provision { stateful: &handlers.stateful() }).await?;
    for warning in &provided.warnings {
        warn!(%warning, "the server has something dangerous");
    }
    let mut plans = Vec::with_capacity(topology.actors.len());
    for actor in topology.actors.values() {
        plans.push(plan(topology, actor, handlers.of(&actor.name), connection, memory).await?);
    }
    let owners = open(connection, names::owners_bucket(&topology.name)).await?;
    let trials = open(connection, names::attempts_bucket(&topology.name)).await?;
    let controls = control_plan(topology, connection).await?;

    let (drain, left, watch) =
        (Drain::default(), CancellationToken::new(), Arc::new(OnceLock::<Watch>::new()));
    let report = {
        let watch = Arc::clone(&watch);
        move || watch.get().map(Watch::report).unwrap_or_default()
    };
    let members = NatsMembers::new(connection.clone(), names::members_bucket(&topology.name));
    let charter = instance::charter(topology, id.clone());
    let process = charter.member.process();
    let membership = Membership::new(Box::new(members), charter, report, drain.clone(), left.clone());
    let round_trip = membership.round_trip();
    let instance = Instance {
        id,
        process,
        assignment: membership.assignment(),
        owners: Arc::new(owners),
        trials: Arc::new(trials),
        patience: topology.drain_timeout,
        alarm: Arc::new(NatsAlarm::new(connection.clone(), topology.name.clone())),
        taps: Arc::new(NatsTaps::new(connection.clone(), topology.name.clone())),
    };
    let threads = Threads::start(available_parallelism().map_or(1, NonZero::get));
    let flow = flow_plan(topology, connection);
    let engine = Engine::start(plans, Some(flow), controls, &instance, threads, drain);
    watch.set(engine.watch()).expect("set once");
    let counters = engine.watch();
    metric::observe(move |observations| {
        counters.observe(observations);
        if let Some(time) = round_trip.latest() {
            observations.real(&metric::ROUND_TRIP, Labels::default(), time.as_secs_f64());
        }
    });
    Ok(Running::new(engine, membership, left))
}

async fn open(connection: &Connection, bucket: String) -> Result<NatsStore, AssembleError> {
    let opened = NatsStore::open(connection.clone(), &bucket).await;
    opened.map_err(|source| AssembleError::Bucket { bucket, source })
}

impl AssembleError {
    /// What to do about it.
    pub(super) fn cure(&self) -> String {
        match self {
            Self::Provision(error) => error.cure().to_owned(),
            Self::Memory { shards, largest, .. } => {
                format!(
                    "set `memory` to at least {}, or lower the server's `max_payload`",
                    bytesize::ByteSize((shards * largest) as u64)
                )
            }
            Self::Bucket { .. } | Self::Controls(_) => {
                "see whether the server is up, and whether its user may read the bucket".to_owned()
            }
        }
    }
}

/// The bytes that one shard may have in flight. A source asks for nothing unless the largest message has room.
fn share_of_memory(topology: &Topology, connection: &Connection) -> Result<usize, AssembleError> {
    let shards = topology.actors.values().map(|actor| actor.shards as usize).sum::<usize>().max(1);
    let share = usize::try_from(topology.memory).unwrap_or(usize::MAX) / shards;
    let largest = connection.max_payload() + ENVELOPE;
    if share < largest {
        return Err(AssembleError::Memory { shards, share, largest });
    }
    Ok(share)
}

async fn plan(
    topology: &Topology,
    actor: &Actor,
    Built { handler, rebuild }: Built,
    connection: &Connection,
    memory: usize,
) -> Result<ActorPlan, AssembleError> {
    let store = if handler.keeps_state() {
        Some(open(connection, names::state_bucket(&topology.name, &actor.name)).await?)
    } else {
        None
    };
    Ok(ActorPlan {
        actor: actor.clone(),
        handler,
        rebuild,
        sink: Arc::new(NatsSink::new(connection.clone())),
        store: store.map(|store| Arc::new(store) as _),
        shards: (0..actor.shards).map(|shard| ports(topology, actor, shard, connection)).collect(),
        memory,
        dead_letters: dead_letters(topology, actor),
        gates: gates(topology, actor, connection),
        held: Arc::new(held(topology, actor, connection)),
    })
}

fn ports(topology: &Topology, actor: &Actor, shard: u32, connection: &Connection) -> Ports {
    let stream: Arc<str> = actor.stream.as_str().into();
    let plan = ConsumerPlan::of(topology, actor, shard);
    let (floor, tenure) = (Arc::new(AtomicU64::new(0)), Arc::new(Tenure::new(topology.failover)));
    let watched = Watched {
        advisories: names::advisory_stream(&topology.name).into(),
        reader: names::advisory_consumer(&topology.name, actor, shard),
        stream: Arc::clone(&stream),
        consumer: names::consumer(&topology.name, actor, shard),
        prefix: plan.prefix,
        subjects: actor.subjects.clone(),
    };
    let shard = Shard {
        stream,
        consumer: plan.config,
        prefix: plan.prefix,
        floor: Arc::clone(&floor),
        tenure: Arc::clone(&tenure),
    };
    let exhausted = ExhaustedSource::new(connection.clone(), watched);
    Ports {
        source: Box::new(NatsSource::new(connection.clone(), shard)),
        tenure,
        floor,
        settle: Arc::new(NatsSettle::new(connection.clone())),
        exhausted: Some((Box::new(exhausted), Arc::new(ExhaustedSettle::new(connection.clone())))),
    }
}

/// The outputs that make an actor wait.
fn gates(topology: &Topology, actor: &Actor, connection: &Connection) -> Vec<Outlet> {
    let gates = actor.gates.iter().filter_map(|gate| topology.streams.get(gate));
    let outlet = |stream: &Stream| Outlet {
        stream: stream.name.to_string(),
        marks: stream.flow,
        gauge: Box::new(NatsGauge::new(connection.clone(), topology, stream)),
    };
    gates.map(outlet).collect()
}

/// An actor that was paused before the start does not begin to work.
async fn control_plan(topology: &Topology, connection: &Connection) -> Result<ControlPlan, ControlsError> {
    let controls = NatsControls::new(connection.clone(), topology);
    let watch = Box::new(controls.watch());
    let known = controls.all().await?.into_iter().map(StoredControl::controlled).collect();
    Ok(ControlPlan { controls: Arc::new(controls), watch, known })
}

/// Every stream is reckoned by the instance that has the first shard of the first actor that reads it; one that nobody
/// reads, by the one that has the first shard of all.
fn flow_plan(topology: &Topology, connection: &Connection) -> FlowPlan {
    let flows = NatsFlows::new(connection.clone(), topology);
    let watch = Box::new(flows.watch());
    let streams = topology.streams.values().filter_map(|stream| {
        let reader = topology.actors.values().find(|actor| actor.stream == stream.name);
        let actor = reader.or(topology.actors.values().next())?;
        Some(StreamPlan {
            stream: stream.name.to_string(),
            subjects: stream.subjects.iter().map(Pattern::filter).collect(),
            marks: stream.flow,
            duty: ShardId { actor: actor.name.as_str().into(), shard: 0 },
            gauge: Box::new(NatsGauge::new(connection.clone(), topology, stream)),
        })
    });
    FlowPlan { streams: streams.collect(), flows: Arc::new(flows), watch }
}

fn held(topology: &Topology, actor: &Actor, connection: &Connection) -> NatsHeld {
    let subjects = format!("{}.>", dead_letters(topology, actor));
    NatsHeld::new(connection.clone(), &names::dead_letter_stream(topology), subjects)
}

/// What the subjects of an actor's dead letters start with.
fn dead_letters(topology: &Topology, actor: &Actor) -> String {
    let all = names::dead_letter_subjects(&topology.name);
    format!("{}{}", all.trim_end_matches('>'), actor.name)
}
