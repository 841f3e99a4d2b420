//! What a topology has left on the server and needs no more: consumers and buckets of actors that are gone, streams.

use std::collections::BTreeSet;
use std::fmt;

use async_nats::jetstream::consumer::Info;
use async_nats::jetstream::response::Response;
use serde::Serialize;
use serde_json::Value;
use tracing::info;

use super::api::ask;
use super::consumer::TOPOLOGY;
use super::inventory::Held;
use super::{ConsumerPlan, ProvisionError};
use crate::nats::{Connection, names};
use crate::topology::Topology;

/// Something that this topology has created and needs no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Orphan {
    /// What it is called when it is to be deleted: a stream's name, or `STREAM/CONSUMER`.
    pub name: String,
    /// What it is.
    pub kind: OrphanKind,
    /// How many messages would be gone with it: those that a stream holds, those that a consumer has not handled.
    pub messages: u64,
}

/// What is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrphanKind {
    /// A stream; the messages in it would be gone.
    Stream,
    /// A key-value bucket; the entries in it would be gone.
    Bucket,
    /// A consumer; which messages it has handled would be forgotten, the messages stay.
    Consumer,
}

/// What the topology does not need of what it has created. `planned` are the streams that it needs.
pub(super) fn find(topology: &Topology, held: &[Held], planned: &BTreeSet<String>) -> Vec<Orphan> {
    let mut orphans = Vec::new();
    for Held { stream, consumers } in held {
        let name = stream.config.name.as_str();
        let is_ours =
            stream.config.metadata.get(TOPOLOGY).map(String::as_str) == Some(topology.name.as_str());
        if is_ours && !planned.contains(name) && !topology.streams.contains_key(name) {
            let kind = if name.starts_with("KV_") { OrphanKind::Bucket } else { OrphanKind::Stream };
            orphans.push(Orphan { name: name.to_owned(), kind, messages: stream.state.messages });
            continue;
        }
        orphans.extend(consumers.iter().filter(|info| is_left(topology, name, info)).map(|info| Orphan {
            name: format!("{name}/{}", info.name),
            kind: OrphanKind::Consumer,
            messages: info.num_pending + u64::try_from(info.num_ack_pending).unwrap_or_default(),
        }));
    }
    orphans
}

/// Whether a consumer is one of ours that no shard has.
fn is_left(topology: &Topology, stream: &str, info: &Info) -> bool {
    let is_reader = stream == names::advisory_stream(&topology.name) && info.config.durable_name.is_some();
    let is_ours = info.config.metadata.get(TOPOLOGY).map(String::as_str) == Some(topology.name.as_str());
    match (is_reader, is_ours) {
        (true, _) => ConsumerPlan::all(topology).all(|plan| plan.name() != info.name),
        (false, true) => {
            ConsumerPlan::all(topology).all(|plan| plan.name() != info.name || plan.stream != stream)
        }
        (false, false) => false,
    }
}

impl Orphan {
    /// Deletes it; that it is gone already is no error.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub async fn delete(&self, connection: &Connection) -> Result<(), ProvisionError> {
        let subject = match (self.kind, self.name.split_once('/')) {
            (OrphanKind::Consumer, Some((stream, consumer))) => {
                format!("CONSUMER.DELETE.{stream}.{consumer}")
            }
            _ => format!("STREAM.DELETE.{}", self.name),
        };
        let what = self.to_string();
        match ask::<Value>(connection, &subject, None, &what).await? {
            Response::Ok(_) => {
                info!(what, "deleted");
                Ok(())
            }
            Response::Err { error } if error.code() == 404 => Ok(()),
            Response::Err { error } => Err(ProvisionError::Refused { what, source: error }),
        }
    }
}

impl OrphanKind {
    /// Its name in listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Bucket => "bucket",
            Self::Consumer => "consumer",
        }
    }
}

impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind.as_str(), self.name)
    }
}
