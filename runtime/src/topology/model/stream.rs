//! Streams: those the runtime creates, those it only reads, and the one for dead letters.

use std::time::Duration;

use tidegate::subject::Pattern;

use super::flow::FlowMarks;
use super::shard_token::ShardToken;
use crate::topology::name::StreamName;

/// A stream on the server.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Its name on the server.
    pub name: StreamName,
    /// Whether the runtime creates it.
    pub origin: Origin,
    /// The subjects it captures.
    pub subjects: Vec<Pattern>,
    /// How many shards it is split into: how many instances can work on it for one actor.
    pub shards: u32,
    /// When messages leave it.
    pub retention: Retention,
    /// Where the server keeps it.
    pub storage: Storage,
    /// The most bytes it holds; publishers are refused beyond (`DiscardNew`).
    pub max_bytes: Option<u64>,
    /// How long it keeps a message.
    pub max_age: Option<Duration>,
    /// The most messages it holds; publishers are refused beyond (`DiscardNew`).
    pub max_messages: Option<u64>,
    /// The largest message it takes, in bytes.
    pub max_message_size: Option<u32>,
    /// How many servers keep a copy.
    pub replicas: u8,
    /// How long the server remembers message ids to drop repeated publishes; at most `max_age`.
    pub duplicate_window: Duration,
    /// How much may wait in it before its publishers are slowed down and stopped.
    pub flow: FlowMarks,
}

/// Who owns a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The runtime creates it, always with `DiscardNew`, and reports where it differs.
    Declared,
    /// Somebody else does; the runtime checks only that it exists and captures the subjects.
    External,
}

/// When messages leave a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retention {
    /// When they are older than `max_age`.
    #[default]
    Limits,
    /// When they are acked.
    WorkQueue,
    /// When every consumer has acked them.
    Interest,
}

/// Where the server keeps a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// On disk.
    #[default]
    File,
    /// In memory: gone with the server.
    Memory,
}

/// The stream for dead letters; its retention is always [`Retention::Limits`].
#[derive(Debug, Clone)]
pub struct DeadLetters {
    /// The most bytes it holds. Full, it blocks the entities that need it.
    pub max_bytes: Option<u64>,
    /// How long it keeps a dead letter.
    pub max_age: Option<Duration>,
    /// The most dead letters it holds.
    pub max_messages: Option<u64>,
    /// How many servers keep a copy.
    pub replicas: u8,
    /// Its name, where the file gives one; see [`Topology::dead_letter_stream`](super::Topology::dead_letter_stream).
    pub stream: Option<StreamName>,
    /// How long the server remembers dead letters' ids to drop repeated publishes.
    pub duplicate_window: Duration,
}

impl Stream {
    /// The most shards: each is a consumer of its own for every actor.
    pub const MAX_SHARDS: u32 = 256;

    /// The token by which it is split; `None` when it has one shard.
    pub fn shard_token(&self) -> Option<ShardToken> {
        if self.shards > 1 { ShardToken::of(&self.subjects).ok() } else { None }
    }

    /// The default of [`duplicate_window`](Self::duplicate_window), which is also the server's.
    pub const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);
}

impl DeadLetters {
    /// The default of [`max_bytes`](Self::max_bytes): 1 GiB.
    pub const MAX_BYTES: u64 = 1 << 30;

    /// What follows the topology's name in the default stream name.
    pub const DEFAULT_SUFFIX: &str = "-dead-letters";
}

impl Default for DeadLetters {
    fn default() -> Self {
        Self {
            max_bytes: Some(Self::MAX_BYTES),
            max_age: None,
            max_messages: None,
            replicas: 1,
            stream: None,
            duplicate_window: Stream::DUPLICATE_WINDOW,
        }
    }
}
