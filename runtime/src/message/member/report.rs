//! What an instance tells about one of its shards.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::message::timestamp;

/// One shard of one actor: the unit of ownership.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShardId {
    /// The actor.
    #[serde(serialize_with = "write_name", deserialize_with = "read_name")]
    pub actor: Arc<str>,
    /// Which of the actor's shards, from 0.
    pub shard: u32,
}

/// A shard in the hands of an instance. The counts are since the process started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardReport {
    /// Which shard.
    #[serde(flatten)]
    pub id: ShardId,
    /// What becomes of it.
    pub state: ShardState,
    /// Since when.
    #[serde(with = "timestamp")]
    pub since: SystemTime,
    /// Messages delivered and not settled.
    #[serde(default)]
    pub in_flight: u64,
    /// Attempts that run.
    #[serde(default)]
    pub running: u64,
    /// Messages handled and acked.
    #[serde(default)]
    pub done: u64,
    /// Messages dead-lettered.
    #[serde(default)]
    pub dead_letters: u64,
    /// The partition in which most messages wait, if one stands out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fullest: Option<Fullest>,
    /// Why the actor takes nothing in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intake_stopped: Option<IntakeStopped>,
    /// When a message was last settled; when the shard was taken, if none was.
    #[serde(with = "timestamp")]
    pub last_progress: SystemTime,
}

/// A partition in which more messages wait than in the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fullest {
    /// Which.
    pub partition: u32,
    /// How many of the shard's messages it has in hand.
    pub messages: u64,
    /// Since when its mailbox is full, so that nothing is pulled for any of the others either.
    #[serde(default, with = "optional_time", skip_serializing_if = "Option::is_none")]
    pub full_since: Option<SystemTime>,
}

/// An actor takes nothing in: what it would emit has no room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntakeStopped {
    /// The output that is past its mark.
    pub stream: String,
    /// Since when.
    #[serde(with = "timestamp")]
    pub since: SystemTime,
}

/// What becomes of a shard in the hands of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ShardState {
    /// It is to have the shard, but the server still lets somebody else pull it.
    Waiting,
    /// It collects what was delivered before and not settled.
    TakingOver,
    /// It handles messages.
    Working,
    /// It finishes what runs and gives the shard away.
    Draining,
    /// A partition died too often: this instance touches the shard no more.
    Failed,
    /// Something that only a later version knows.
    #[serde(other)]
    Unknown,
}

impl ShardState {
    /// The state's name, as listings show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::TakingOver => "taking over",
            Self::Working => "working",
            Self::Draining => "draining",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the server lets this instance pull the shard.
    pub fn is_owner(self) -> bool {
        matches!(self, Self::TakingOver | Self::Working | Self::Draining)
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.actor, self.shard)
    }
}

mod optional_time {
    use super::{Deserialize, Deserializer, Serializer, SystemTime, timestamp};

    #[expect(clippy::ref_option, reason = "serde hands over the field as it is")]
    pub(super) fn serialize<S: Serializer>(
        time: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => timestamp::serialize(time, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        #[derive(Deserialize)]
        struct Written(#[serde(with = "timestamp")] SystemTime);
        Ok(Option::<Written>::deserialize(deserializer)?.map(|written| written.0))
    }
}

fn write_name<S: Serializer>(name: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name)
}

fn read_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    String::deserialize(deserializer).map(Into::into)
}
