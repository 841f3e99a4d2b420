//! `[streams.<name>]` and `[dead_letters]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Count, FlowTable, Located, Size, Timespan};

/// A stream on the server.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Stream", extend("required" = ["subjects"]))]
pub(in crate::topology) struct StreamTable {
    /// The subjects it captures: `orders.{order}.*`, where `{order}` names a token.
    #[schemars(extend("examples" = [["orders.{order}.*"]]))]
    pub subjects: Option<Located<Vec<Located<String>>>>,
    /// Somebody else creates the stream; it is only checked. Needs nothing but `subjects`, and `shards` if it is split.
    #[schemars(extend("default" = false))]
    pub external: Option<Located<bool>>,
    /// How many shards it is split into, at most 256: how many instances can share the work of one actor.
    #[schemars(extend("default" = 1))]
    pub shards: Option<Located<Count>>,
    /// When messages leave the stream.
    #[schemars(extend("default" = "limits"))]
    pub retention: Option<Located<RetentionWord>>,
    /// Where the server keeps it.
    #[schemars(extend("default" = "file"))]
    pub storage: Option<Located<StorageWord>>,
    /// What happens when it is full.
    #[schemars(extend("default" = "new"))]
    pub discard: Option<Located<DiscardWord>>,
    /// The most bytes it holds.
    pub max_bytes: Option<Located<Size>>,
    /// How long it keeps a message.
    pub max_age: Option<Located<Timespan>>,
    /// The most messages it holds.
    pub max_messages: Option<Located<Count>>,
    /// The largest message it takes.
    pub max_message_size: Option<Located<Size>>,
    /// How many servers keep a copy: 1 to 5.
    #[schemars(extend("default" = 1))]
    pub replicas: Option<Located<Count>>,
    /// How long the server remembers message ids to drop repeated publishes.
    #[schemars(extend("default" = "2m"))]
    pub duplicate_window: Option<Located<Timespan>>,
    /// When its publishers are slowed down and stopped.
    pub flow: Option<FlowTable>,
}

/// The stream for messages that cannot be handled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "DeadLetters")]
pub(in crate::topology) struct DeadLettersTable {
    /// Its name on the server; by default the topology's name and `-dead-letters`.
    pub stream: Option<Located<String>>,
    /// Only `limits`: dead letters are for browsing.
    #[schemars(extend("default" = "limits"))]
    pub retention: Option<Located<RetentionWord>>,
    /// The most bytes it holds. Full, it blocks the entities that need it.
    #[schemars(extend("default" = "1GiB"))]
    pub max_bytes: Option<Located<Size>>,
    /// How long it keeps a dead letter; not shorter than the streams they come from.
    pub max_age: Option<Located<Timespan>>,
    /// The most dead letters it holds.
    pub max_messages: Option<Located<Count>>,
    /// How many servers keep a copy: 1 to 5.
    #[schemars(extend("default" = 1))]
    pub replicas: Option<Located<Count>>,
    /// How long the server remembers ids of dead letters.
    #[schemars(extend("default" = "2m"))]
    pub duplicate_window: Option<Located<Timespan>>,
}

/// When messages leave a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Retention")]
pub(in crate::topology) enum RetentionWord {
    /// When they are older than `max_age`.
    Limits,
    /// When they are acked.
    WorkQueue,
    /// When every consumer has acked them.
    Interest,
}

/// Where the server keeps a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Storage")]
pub(in crate::topology) enum StorageWord {
    /// On disk.
    File,
    /// In memory: gone with the server.
    Memory,
}

/// What happens when a stream is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Discard")]
pub(in crate::topology) enum DiscardWord {
    /// Publishers are refused until there is room.
    New,
    /// Refused by the checks: the oldest messages vanish unhandled.
    Old,
}
