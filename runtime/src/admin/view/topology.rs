//! The topology as this instance runs it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::topology::{Actor, KeySource, Order, Stream, Topology};

/// The topology as this instance runs it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Topology")]
pub(in crate::admin) struct TopologyView {
    /// Its name.
    topology: String,
    /// This instance.
    instance: String,
    /// The version of its runtime.
    version: &'static str,
    streams: Vec<StreamRules>,
    actors: Vec<ActorRules>,
}

/// What the topology says of a stream.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct StreamRules {
    stream: String,
    subjects: Vec<String>,
    shards: u32,
}

/// What the topology says of an actor.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct ActorRules {
    actor: String,
    handler: String,
    /// What it reads.
    stream: String,
    subjects: Vec<String>,
    /// Where the key of a message is found: `token order`, `header Customer`, `json /customer/id`.
    key: String,
    /// Whether the messages of an entity are kept in order.
    is_ordered: bool,
    /// The subject that each port publishes to.
    emits: BTreeMap<String, String>,
    shards: u32,
    partitions: u32,
    /// How many messages wait for a partition.
    mailbox: usize,
    /// How many attempts run in a partition.
    concurrency: usize,
    /// How many messages are in flight per shard.
    window: usize,
    max_deliver: u32,
    timeout_seconds: f64,
}

impl TopologyView {
    pub(in crate::admin) fn of(topology: &Topology, instance: &str) -> Self {
        Self {
            topology: topology.name.to_string(),
            instance: instance.to_owned(),
            version: env!("CARGO_PKG_VERSION"),
            streams: topology.streams.values().map(StreamRules::of).collect(),
            actors: topology.actors.values().map(ActorRules::of).collect(),
        }
    }

    /// Whether there is such an actor.
    pub(in crate::admin) fn has_actor(&self, actor: &str) -> bool {
        self.actors.iter().any(|rules| rules.actor == actor)
    }

    /// Whether there is such a partition.
    pub(in crate::admin) fn has_partition(&self, actor: &str, partition: u32) -> bool {
        self.actors.iter().any(|rules| rules.actor == actor && partition < rules.partitions)
    }
}

impl StreamRules {
    fn of(stream: &Stream) -> Self {
        Self {
            stream: stream.name.to_string(),
            subjects: stream.subjects.iter().map(ToString::to_string).collect(),
            shards: stream.shards,
        }
    }
}

impl ActorRules {
    fn of(actor: &Actor) -> Self {
        let emits = actor.emits.iter().map(|(port, subject)| (port.to_string(), subject.to_string()));
        Self {
            actor: actor.name.to_string(),
            handler: actor.handler.to_string(),
            stream: actor.stream.to_string(),
            subjects: actor.subjects.iter().map(ToString::to_string).collect(),
            key: match &actor.key {
                KeySource::Token(token) => format!("token {token}"),
                KeySource::Header(header) => format!("header {header}"),
                KeySource::Json(pointer) => format!("json {pointer}"),
            },
            is_ordered: actor.order == Order::Entity,
            emits: emits.collect(),
            shards: actor.shards,
            partitions: actor.partitions,
            mailbox: actor.mailbox,
            concurrency: actor.concurrency,
            window: actor.window,
            max_deliver: actor.max_deliver,
            timeout_seconds: actor.timeout.as_secs_f64(),
        }
    }
}
