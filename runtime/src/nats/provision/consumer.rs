//! The durable consumers that feed the actors, as we create them.

use std::collections::HashMap;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{
    AckPolicy, DeliverPolicy, Info, IntoConsumerConfig, PriorityPolicy, ReplayPolicy,
};
use async_nats::jetstream::response::Response;
use serde_json::json;

use super::ProvisionError;
use super::api::ask;
use crate::message::ShardPrefix;
use crate::nats::{Connection, GROUP, names};
use crate::planted::{Bug, is_planted};
use crate::topology::{Actor, Topology};

/// How many pull requests may wait at the server: those of one owner, of those in line behind it, and what a process
/// that died has left.
const MAX_WAITING: i64 = 128;

/// The metadata that names the topology of a consumer.
pub(super) const TOPOLOGY: &str = "tidegate.topology";

/// The metadata that names the actor of a consumer.
pub(super) const ACTOR: &str = "tidegate.actor";

/// A durable consumer as it shall be.
#[derive(Debug, Clone)]
pub struct ConsumerPlan {
    /// The stream that it reads.
    pub stream: String,
    /// What we create; also what is made anew when somebody deletes it.
    pub config: Config,
    /// What its stream puts before the subjects of its messages.
    pub prefix: ShardPrefix,
}

impl ConsumerPlan {
    /// The consumer that feeds one shard of `actor`.
    ///
    /// The server's limit of deliveries leaves room for those that drains and hand-overs cost. It lets one client pull,
    /// the owner of the shard, until that has not pulled for `failover` (ADR-42).
    pub fn of(topology: &Topology, actor: &Actor, shard: u32) -> Self {
        let name = names::consumer(&topology.name, actor, shard);
        let prefix = ShardPrefix::of(shard, actor.shards);
        let config = Config {
            name: Some(name.clone()),
            durable_name: Some(name),
            description: Some(format!("feeds the actor {} of {}", actor.name, topology.name)),
            filter_subjects: actor.subjects.iter().map(|subject| prefix.before(&subject.filter())).collect(),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: actor.ack_wait,
            max_deliver: actor.server_max_deliver().into(),
            max_ack_pending: match is_planted(Bug::UnboundedMailbox) {
                false => actor.window.try_into().unwrap_or(i64::MAX),
                true => i64::MAX,
            },
            max_waiting: MAX_WAITING,
            replay_policy: ReplayPolicy::Instant,
            priority_policy: PriorityPolicy::PinnedClient,
            priority_groups: vec![GROUP.to_owned()],
            priority_timeout: topology.failover,
            metadata: HashMap::from([
                (TOPOLOGY.to_owned(), topology.name.to_string()),
                (ACTOR.to_owned(), actor.name.to_string()),
            ]),
            ..Config::default()
        };
        Self { stream: actor.stream.to_string(), config, prefix }
    }

    /// The consumers of all shards of all actors.
    pub fn all(topology: &Topology) -> impl Iterator<Item = Self> {
        let actors = topology.actors.values();
        actors.flat_map(move |actor| (0..actor.shards).map(move |shard| Self::of(topology, actor, shard)))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.config.durable_name.as_deref().unwrap_or_default()
    }

    /// Creates it; that it exists is no error if it is the same.
    ///
    /// Asks with the action `create`: without it the server would edit a live consumer.
    pub(super) async fn create(&self, connection: &Connection) -> Result<(), ProvisionError> {
        let subject = format!("CONSUMER.CREATE.{}.{}", self.stream, self.name());
        let config = self.config.clone().into_consumer_config();
        let request = json!({ "stream_name": self.stream, "config": config, "action": "create" });
        match ask::<Info>(connection, &subject, Some(request), &self.what()).await? {
            Response::Ok(_) => Ok(()),
            Response::Err { error } => Err(ProvisionError::Refused { what: self.what(), source: error }),
        }
    }

    /// What the server has under its name, if anything.
    pub(super) async fn find(&self, connection: &Connection) -> Result<Option<Info>, ProvisionError> {
        let subject = format!("CONSUMER.INFO.{}.{}", self.stream, self.name());
        match ask(connection, &subject, None, &self.what()).await? {
            Response::Ok(info) => Ok(Some(info)),
            Response::Err { error } => match error.error_code() {
                ErrorCode::CONSUMER_NOT_FOUND | ErrorCode::STREAM_NOT_FOUND => Ok(None),
                _ => Err(ProvisionError::Refused { what: self.what(), source: error }),
            },
        }
    }

    pub(super) fn what(&self) -> String {
        format!("consumer `{}` of stream `{}`", self.name(), self.stream)
    }
}
