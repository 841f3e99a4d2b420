//! How full a stream is, and how far those are that read it.

use std::time::SystemTime;

use super::BoxFuture;
use crate::message::{ShardId, ShardReport};

/// One stream and the consumers of the topology on it.
pub trait Gauge: Send {
    /// Reads all of it, within a bound.
    ///
    /// # Errors
    /// When the stream is not there or the broker does not answer in time.
    fn read(&mut self) -> BoxFuture<'_, Result<Reading, GaugeError>>;

    /// What the instances tell about the shards of those that read the stream, as far as it can be had.
    fn reports(&mut self) -> BoxFuture<'_, Vec<ShardReport>>;
}

/// A stream at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// When, by the clock of the broker.
    pub at: SystemTime,
    /// What it stores, done or not.
    pub stored: Load,
    /// The most that it stores; `None` where nothing limits it.
    pub limit: Limit,
    /// The sequence of its latest message.
    pub last: u64,
    /// Those consumers of ours that there are.
    pub readers: Vec<Reader>,
}

/// Messages and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// How many messages.
    pub messages: u64,
    /// What they weigh together.
    pub bytes: u64,
}

/// What a stream holds at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limit {
    /// How many messages.
    pub messages: Option<u64>,
    /// What they may weigh together.
    pub bytes: Option<u64>,
}

/// The consumer of one shard of an actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Whose.
    pub shard: ShardId,
    /// Messages that were never delivered.
    pub waiting: u64,
    /// Messages that were delivered and are not settled.
    pub unsettled: u64,
    /// How many deliveries there were, repeated ones included.
    pub deliveries: u64,
    /// When the oldest message was stored that is not done, by the clock of the broker; `None` when all are, or it
    /// cannot be told.
    pub oldest: Option<SystemTime>,
}

/// Why a stream could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GaugeError {
    /// There is no such stream.
    #[error("stream `{0}` does not exist")]
    Missing(String),
    /// The broker does not answer or refuses.
    #[error("the stream cannot be read: {0}")]
    Unavailable(String),
}
