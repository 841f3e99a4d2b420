//! What the server tells: the entries of the instances, and the state of the consumers.

use std::time::{Duration, SystemTime};

use crate::cli::failure::Failure;
use crate::message::ShardId;
use crate::nats::{
    Backlog, Connection, ConsumerPlan, MemberEntry, NatsControls, NatsFlows, NatsMembers, StoredControl,
    StoredFlow, names,
};
use crate::port::MembersError;
use crate::topology::Topology;

/// All that is known, at one moment.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) topology: String,
    /// How long an instance may be silent.
    pub(super) failover: Duration,
    /// The server's clock, read after the entries.
    pub(super) now: SystemTime,
    pub(super) entries: Vec<MemberEntry>,
    pub(super) consumers: Vec<Consumer>,
    pub(super) flows: Vec<StoredFlow>,
    pub(super) controls: Vec<StoredControl>,
}

/// The consumer of one shard.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) shard: ShardId,
    pub(super) stream: String,
    /// `None` when there is none.
    pub(super) backlog: Option<Backlog>,
}

impl Evidence {
    /// Asks the server.
    pub(super) async fn gather(topology: &Topology, connection: &Connection) -> Result<Self, Failure> {
        let bucket = names::members_bucket(&topology.name);
        let members = NatsMembers::new(connection.clone(), bucket);
        // Before the first `run` there is no bucket, and so nobody in it.
        let entries = match members.entries().await {
            Err(MembersError::Missing(_)) => Vec::new(),
            read => read?,
        };
        let flows = NatsFlows::new(connection.clone(), topology).all().await?;
        let mut controls = NatsControls::new(connection.clone(), topology).all().await?;
        controls.retain(|stored| topology.actors.contains_key(stored.actor.as_str()));
        let now = match members.server_time().await {
            Err(MembersError::Missing(_)) => SystemTime::UNIX_EPOCH,
            read => read?,
        };
        let mut consumers = Vec::new();
        for actor in topology.actors.values() {
            for shard in 0..actor.shards {
                let plan = ConsumerPlan::of(topology, actor, shard);
                let backlog = Backlog::find(connection, &plan).await?;
                let shard = ShardId { actor: actor.name.as_str().into(), shard };
                consumers.push(Consumer { shard, stream: plan.stream, backlog });
            }
        }
        let flows =
            flows.into_iter().filter(|stored| topology.streams.contains_key(stored.flow.stream.as_str()));
        Ok(Self {
            topology: topology.name.to_string(),
            failover: topology.failover,
            now,
            entries,
            consumers,
            flows: flows.collect(),
            controls,
        })
    }
}
