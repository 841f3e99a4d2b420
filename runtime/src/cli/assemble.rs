//! Puts a topology together from its parts: what is on the server, the handlers, and the engine between them.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::available_parallelism;

use tracing::warn;

use super::handlers::{Built, Handlers};
use crate::engine::{ActorPlan, Drain, Engine, Ports, Threads};
use crate::nats::{
    Connection, ConsumerPlan, ExhaustedSettle, ExhaustedSource, NatsSettle, NatsSink, NatsSource, NatsStore,
    Provision, ProvisionError, Shard, Watched, names, provision,
};
use crate::port::StoreError;
use crate::topology::{Actor, ActorName, Topology};

/// What a message weighs at most beyond its payload and headers: subject and reply subject.
const ENVELOPE: usize = 4096;

/// Why a topology cannot start.
#[derive(Debug, thiserror::Error)]
pub(super) enum AssembleError {
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    #[error(
        "`memory` gives each of {actors} actors {share} bytes, and one message of this server may have {largest}: an actor that receives one would stand still"
    )]
    Memory { actors: usize, share: usize, largest: usize },
    #[error("the state of actor `{actor}` cannot be opened")]
    State { actor: ActorName, source: StoreError },
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
    drain: Drain,
) -> Result<Engine, AssembleError> {
    let memory = share_of_memory(topology, connection)?;
    let provided = provision(connection, topology, &Provision { stateful: &handlers.stateful() }).await?;
    for warning in &provided.warnings {
        warn!(%warning, "the server has something dangerous");
    }
    let mut plans = Vec::with_capacity(topology.actors.len());
    for actor in topology.actors.values() {
        plans.push(plan(topology, actor, handlers.of(&actor.name), connection, memory).await?);
    }
    let threads = Threads::start(available_parallelism().map_or(1, NonZero::get));
    Ok(Engine::start(plans, threads, drain))
}

impl AssembleError {
    /// What to do about it.
    pub(super) fn cure(&self) -> String {
        match self {
            Self::Provision(error) => error.cure().to_owned(),
            Self::Memory { actors, largest, .. } => {
                format!(
                    "set `memory` to at least {}, or lower the server's `max_payload`",
                    bytesize::ByteSize((actors * largest) as u64)
                )
            }
            Self::State { .. } => {
                "see whether the server is up, and whether its user may read the bucket".to_owned()
            }
        }
    }
}

/// The bytes that one actor may have in flight. A source asks for nothing unless the largest message has room.
fn share_of_memory(topology: &Topology, connection: &Connection) -> Result<usize, AssembleError> {
    let actors = topology.actors.len().max(1);
    let share = usize::try_from(topology.memory).unwrap_or(usize::MAX) / actors;
    let largest = connection.max_payload() + ENVELOPE;
    if share < largest {
        return Err(AssembleError::Memory { actors, share, largest });
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
        let opened =
            NatsStore::open(connection.clone(), &names::state_bucket(&topology.name, &actor.name)).await;
        Some(opened.map_err(|source| AssembleError::State { actor: actor.name.clone(), source })?)
    } else {
        None
    };
    let ports = ports(topology, actor, connection, store);
    Ok(ActorPlan {
        actor: actor.clone(),
        handler,
        rebuild,
        ports,
        memory,
        dead_letters: dead_letters(topology, actor),
    })
}

fn ports(topology: &Topology, actor: &Actor, connection: &Connection, store: Option<NatsStore>) -> Ports {
    let stream: Arc<str> = actor.stream.as_str().into();
    let floor = Arc::new(AtomicU64::new(0));
    let shard = Shard {
        stream: Arc::clone(&stream),
        consumer: ConsumerPlan::of(topology, actor).config,
        floor: Arc::clone(&floor),
    };
    let watched = Watched {
        advisories: names::advisory_stream(&topology.name).into(),
        reader: names::advisory_consumer(&topology.name, &actor.name),
        stream,
        consumer: names::consumer(&topology.name, &actor.name),
        subjects: actor.subjects.clone(),
    };
    let exhausted = ExhaustedSource::new(connection.clone(), watched);
    Ports {
        source: Box::new(NatsSource::new(connection.clone(), shard)),
        floor,
        settle: Arc::new(NatsSettle::new(connection.clone())),
        sink: Arc::new(NatsSink::new(connection.clone())),
        store: store.map(|store| Arc::new(store) as _),
        exhausted: Some((Box::new(exhausted), Arc::new(ExhaustedSettle::new(connection.clone())))),
    }
}

/// What the subjects of an actor's dead letters start with.
fn dead_letters(topology: &Topology, actor: &Actor) -> String {
    let all = names::dead_letter_subjects(&topology.name);
    format!("{}{}", all.trim_end_matches('>'), actor.name)
}
