//! The durable consumers that feed the actors, as we create them.

use std::collections::HashMap;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, Info, IntoConsumerConfig, ReplayPolicy};
use async_nats::jetstream::response::Response;
use serde_json::json;
use tidegate::subject::Pattern;

use super::ProvisionError;
use super::apply::ask;
use crate::nats::{Connection, names};
use crate::topology::{Actor, Topology};

/// How many pull requests may wait at the server: those of one owner, of those in line behind it, and what a process
/// that died has left.
const MAX_WAITING: i64 = 128;

/// A durable consumer as it shall be.
#[derive(Debug, Clone)]
pub struct ConsumerPlan {
    /// The stream that it reads.
    pub stream: String,
    /// What we create; also what is made anew when somebody deletes it.
    pub config: Config,
}

impl ConsumerPlan {
    /// The consumer that feeds `actor`.
    ///
    /// The server's limit of deliveries leaves room for those that drains and hand-overs cost.
    pub fn of(topology: &Topology, actor: &Actor) -> Self {
        let name = names::consumer(&topology.name, &actor.name);
        let config = Config {
            name: Some(name.clone()),
            durable_name: Some(name),
            description: Some(format!("feeds the actor {} of {}", actor.name, topology.name)),
            filter_subjects: actor.subjects.iter().map(Pattern::filter).collect(),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: actor.ack_wait,
            max_deliver: actor.server_max_deliver().into(),
            max_ack_pending: actor.window.try_into().unwrap_or(i64::MAX),
            max_waiting: MAX_WAITING,
            replay_policy: ReplayPolicy::Instant,
            metadata: HashMap::from([
                ("tidegate.topology".to_owned(), topology.name.to_string()),
                ("tidegate.actor".to_owned(), actor.name.to_string()),
            ]),
            ..Config::default()
        };
        Self { stream: actor.stream.to_string(), config }
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
