//! A topology that has been checked: plain values with nothing left to doubt, and no trace of the file.

mod actor;
mod admin;
mod flow;
mod ingress;
mod nats;
mod route_path;
mod shard_token;
mod stream;

use std::collections::BTreeMap;
use std::time::Duration;

pub use actor::{Actor, Alerts, DeadLetterLimits, KeySource, Keyless, Order};
pub use admin::Admin;
pub use flow::{FlowMarks, Marks};
pub use ingress::{Content, IdSource, Ingress, Route};
pub use nats::{Nats, Secret, Server, Tls};
pub use route_path::{RoutePath, RoutePathError, Segment};
pub use shard_token::{ShardToken, ShardTokenError};
pub use stream::{DeadLetters, Origin, Retention, Storage, Stream};

use super::name::{ActorName, HandlerName, StreamName, TopologyName};

/// Streams, actors, and what connects them.
#[derive(Debug, Clone)]
pub struct Topology {
    /// Prefix of everything created on the server.
    pub name: TopologyName,
    /// How to reach the server.
    pub nats: Nats,
    /// The endpoint for operators.
    pub admin: Admin,
    /// The most bytes of payloads and headers in flight in one process, shared out among all shards of all actors.
    pub memory: u64,
    /// How long a drain may take before the process ends all the same.
    pub drain_timeout: Duration,
    /// How long an instance may be silent before others take over its shards.
    pub failover: Duration,
    /// Handlers with their Cargo dependency specifications; paths in them are relative to the topology file.
    pub handlers: BTreeMap<HandlerName, toml::Value>,
    /// Streams, declared and external.
    pub streams: BTreeMap<StreamName, Stream>,
    /// Actors by name.
    pub actors: BTreeMap<ActorName, Actor>,
    /// Where messages go that cannot be handled.
    pub dead_letters: DeadLetters,
    /// The HTTP door, if there is one.
    pub ingress: Option<Ingress>,
}

impl Topology {
    /// The default of [`memory`](Self::memory): 256 MiB.
    pub const MEMORY: u64 = 256 << 20;

    /// The default of [`drain_timeout`](Self::drain_timeout): 25 s, within the 30 s that Kubernetes grants.
    pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);

    /// The default of [`failover`](Self::failover).
    pub const FAILOVER: Duration = Duration::from_secs(2);

    /// The shortest [`failover`](Self::failover): a busy machine or a slow broker must not look like a dead instance.
    pub const MIN_FAILOVER: Duration = Duration::from_millis(500);

    /// The longest [`failover`](Self::failover).
    pub const MAX_FAILOVER: Duration = Duration::from_mins(5);

    /// The stream that keeps the dead letters: the one that is named, or `{name}-dead-letters`.
    pub fn dead_letter_stream(&self) -> StreamName {
        self.dead_letters.stream.clone().unwrap_or_else(|| self.name.suffixed(DeadLetters::DEFAULT_SUFFIX))
    }
}
