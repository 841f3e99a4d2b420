//! The topology file as it is written: every key with its place, nothing checked beyond its type.
//!
//! These types are the one description of the file: they read it, and the published JSON Schema and the search for
//! unknown keys come from them.

mod actor;
mod admin;
mod flow;
mod ingress;
mod located;
mod nats;
mod opaque;
mod published;
mod stream;
mod unit;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) use actor::{ActorTable, AlertsTable, DeadLetterLimitsTable, KeylessWord, OrderWord};
pub(super) use admin::AdminTable;
pub(super) use flow::{FlowTable, MarksTable};
pub(super) use ingress::{IngressTable, RouteIdTable, RouteTable};
pub(super) use located::{Located, Span};
pub(super) use nats::{NatsTable, TlsTable};
pub(super) use opaque::{Dependency, Settings};
pub(super) use published::file_schema;
pub use published::json_schema;
pub(super) use stream::{DeadLettersTable, DiscardWord, RetentionWord, StorageWord, StreamTable};
pub(super) use unit::{Count, Ratio, Size, Timespan};

use super::model::Topology;

/// A topology: streams, actors, and what connects them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Tidegate topology", extend("required" = ["name"]))]
pub(super) struct File {
    /// Prefix of everything that is created on the server.
    #[schemars(extend("examples" = ["shop"]))]
    pub name: Option<Located<String>>,
    /// How the server is reached. Flags and `NATS_*` variables come first.
    pub nats: Option<NatsTable>,
    /// The endpoint for operators. Off unless it is there.
    pub admin: Option<AdminTable>,
    /// The most bytes of messages in flight in one process.
    #[schemars(extend("default" = format!("{}MiB", Topology::MEMORY >> 20)))]
    pub memory: Option<Located<Size>>,
    /// How long a drain may take.
    #[schemars(extend("default" = humantime::format_duration(Topology::DRAIN_TIMEOUT).to_string()))]
    pub drain_timeout: Option<Located<Timespan>>,
    /// How long an instance may be silent before others take over its shards: 500 ms to 5 minutes.
    #[schemars(extend("default" = humantime::format_duration(Topology::FAILOVER).to_string()))]
    pub failover: Option<Located<Timespan>>,
    /// Handler crates by name, in Cargo's dependency syntax; paths are relative to this file.
    pub handlers: BTreeMap<Located<String>, Dependency>,
    /// Streams by name.
    pub streams: BTreeMap<Located<String>, StreamTable>,
    /// Actors by name.
    pub actors: BTreeMap<Located<String>, ActorTable>,
    /// The stream for messages that cannot be handled.
    pub dead_letters: Option<DeadLettersTable>,
    /// An HTTP door for publishers that do not speak NATS. There is none unless this table is there.
    pub ingress: Option<IngressTable>,
}
