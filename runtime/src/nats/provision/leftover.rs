//! Finds the consumers that an actor had when its stream was split into another number of shards.
//!
//! What they have not handled matches no consumer of the other number. It would never be handled, and what is published
//! from then on would overtake it.

use std::collections::BTreeSet;

use super::consumer::{ACTOR, TOPOLOGY};
use super::difference::UNHANDLED;
use super::{ConsumerPlan, Difference, ProvisionError, inventory};
use crate::nats::Connection;
use crate::topology::Topology;

/// A consumer of another number of shards.
#[derive(Debug)]
pub(super) struct Leftover {
    pub(super) consumer: String,
    stream: String,
    shards: u32,
    unhandled: u64,
}

/// The consumers of the topology's actors on `stream` that no shard has.
pub(super) async fn find(
    connection: &Connection,
    topology: &Topology,
    stream: &str,
) -> Result<Vec<Leftover>, ProvisionError> {
    let planned: BTreeSet<String> = ConsumerPlan::all(topology).map(|plan| plan.name().to_owned()).collect();
    let mut found = Vec::new();
    for info in inventory::consumers(connection, stream).await? {
        let metadata = |key| info.config.metadata.get(key).map(String::as_str);
        let actor = metadata(ACTOR).and_then(|actor| topology.actors.get(actor));
        let is_ours = metadata(TOPOLOGY) == Some(topology.name.as_str()) && !planned.contains(&info.name);
        let Some(actor) = actor.filter(|actor| is_ours && actor.stream.as_str() == stream) else { continue };
        found.push(Leftover {
            unhandled: info.num_pending + u64::try_from(info.num_ack_pending).unwrap_or_default(),
            consumer: info.name,
            stream: stream.to_owned(),
            shards: actor.shards,
        });
    }
    Ok(found)
}

impl Leftover {
    /// What is wrong with it, unless it has handled all it ever will.
    pub(super) fn difference(&self) -> Option<Difference> {
        let Self { consumer, stream, shards, unhandled } = self;
        (*unhandled > 0).then(|| Difference {
            what: format!("consumer `{consumer}` of stream `{stream}`"),
            field: UNHANDLED,
            declared: format!("0 before its actor has {shards} shards"),
            actual: unhandled.to_string(),
        })
    }
}
