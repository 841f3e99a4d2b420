//! What this process is among those that share the work.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use clap::Args;

use crate::engine::Charter;
use crate::message::{InstanceId, Member, MemberState, ShardId};
use crate::topology::{Fingerprint, Topology};

/// The name of an instance on the command line.
#[derive(Debug, Args)]
pub(super) struct InstanceArguments {
    /// The name of this instance; by default it is made up of host, process and chance.
    #[arg(long, value_name = "NAME", env = "TIDEGATE_INSTANCE")]
    instance: Option<InstanceId>,
}

impl InstanceArguments {
    /// The name that was given, or one that no other process has.
    pub(super) fn id(&self) -> InstanceId {
        self.instance.clone().unwrap_or_else(made_up)
    }
}

/// A name that no other process has.
pub(super) fn made_up() -> InstanceId {
    InstanceId::made_up(&host(), std::process::id(), rand::random())
}

/// What we bring to the others.
pub(super) fn charter(topology: &Topology, instance: InstanceId) -> Charter {
    let (now, fingerprint) = (SystemTime::now(), Fingerprint::of(topology));
    let member = Member {
        instance,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        fingerprint: fingerprint.to_string(),
        sections: fingerprint.sections().clone(),
        host: host(),
        pid: std::process::id(),
        started: now,
        written: now,
        state: MemberState::Standby,
        reason: None,
        claim: None,
        shards: Vec::new(),
        alerts: Vec::new(),
        actors: Vec::new(),
    };
    Charter { member, failover: topology.failover, shards: shards(topology) }
}

fn shards(topology: &Topology) -> BTreeSet<ShardId> {
    let of_all = topology.actors.values().flat_map(|actor| {
        let name: Arc<str> = actor.name.as_str().into();
        (0..actor.shards).map(move |shard| ShardId { actor: Arc::clone(&name), shard })
    });
    of_all.collect()
}

/// Who gives orders at a terminal: `ann@desk`.
pub(super) fn operator() -> String {
    let user = std::env::var("USER").unwrap_or_else(|_| "somebody".to_owned());
    format!("{user}@{}", host())
}

/// The name of this machine.
fn host() -> String {
    nix::unistd::gethostname()
        .map_or_else(|_| "unknown".to_owned(), |name| name.to_string_lossy().into_owned())
}
