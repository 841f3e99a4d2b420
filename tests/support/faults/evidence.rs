//! All that a run leaves behind, and all that the checker knows of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Chain, Done, Fault, Line, Moment, Task};

/// What was promised, what was done to it, and what came out.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the run has to keep.
    pub bounds: Bounds,
    /// What producers tried to publish.
    pub publications: Vec<Publication>,
    /// What the input stream holds, in its order.
    pub input: Vec<Stored>,
    /// What the handlers did, in the order of time.
    pub history: Vec<Line>,
    /// What the output stream holds, in its order.
    pub outputs: Vec<Output>,
    /// What the dead-letter stream holds, in its order.
    pub letters: Vec<Letter>,
    /// Every state that was written, in the order of writing. The last one of an entity is its final state.
    pub revisions: Vec<Revision>,
    /// How many messages the consumers had not settled at the end.
    pub left: u64,
    /// How often each kind of fault was to happen.
    pub planned: BTreeMap<String, usize>,
    /// What happened.
    pub faults: Vec<Fault>,
    /// How the processes ended at the end.
    pub exits: Vec<Exit>,
    /// What the processes used.
    pub samples: Vec<Sample>,
    /// How many messages of a shard were delivered and not settled, by the server's count, and when.
    pub in_flight: Vec<(Moment, u32, u64)>,
    /// When the last fault was over and everything published.
    pub healed: Moment,
    /// When nothing was left to do. `None` when the run had to be given up.
    pub settled: Option<Moment>,
    /// What the processes wrote to standard error.
    pub log: String,
}

/// What a run has to keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Shards of the input stream.
    pub shards: u32,
    /// Messages in flight per shard.
    pub window: u64,
    /// Tries of a message.
    pub max_deliver: u32,
    /// How long an instance may be silent before others take over.
    pub failover: Duration,
    /// How many threads run handlers in one process.
    pub arbiters: usize,
    /// How long after the last fault everything may take.
    pub liveness: Duration,
    /// How long a drain may take.
    pub drain: Duration,
    /// Resident memory of a process, in bytes.
    pub memory: u64,
    /// How much of it may be added in the course of a process's work, in bytes.
    pub growth: u64,
    /// File descriptors of a process.
    pub descriptors: u64,
    /// Threads of a process.
    pub threads: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            shards: 1,
            window: 64,
            max_deliver: 3,
            failover: Duration::from_secs(2),
            arbiters: 2,
            liveness: Duration::from_secs(30),
            drain: Duration::from_secs(10),
            memory: 160 << 20,
            growth: 24 << 20,
            descriptors: 256,
            threads: 64,
        }
    }
}

/// What a producer knows of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The message.
    pub task: Task,
    /// Its place in the stream, when the server said that it stored it; otherwise it may be there or not.
    pub sequence: Option<u64>,
}

/// A message of the input stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its place in the stream.
    pub sequence: u64,
    /// The subject it was published to.
    pub subject: String,
    /// What it says.
    pub task: Task,
    /// What it says, to the letter.
    pub payload: String,
    /// Its headers, sorted.
    pub headers: Vec<(String, String)>,
    /// When the server stored it.
    pub at: Moment,
}

/// A message of the output stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its `Nats-Msg-Id`.
    pub message_id: String,
    /// When it was stored.
    pub at: Moment,
    /// What it says.
    pub done: Done,
}

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// When it was stored.
    pub at: Moment,
    /// The place of the dead message in its stream.
    pub sequence: u64,
    /// The subject it was published to.
    pub subject: String,
    /// Why it is dead.
    pub reason: String,
    /// What it says, to the letter.
    pub payload: String,
    /// The headers it was published with, sorted.
    pub headers: Vec<(String, String)>,
}

/// A state of an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Whose.
    pub entity: String,
    /// The place in the input stream of the last message that was applied.
    pub sequence: u64,
    /// The state itself.
    pub chain: Chain,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The process.
    pub pid: u32,
    /// `None` when a signal ended it, or it would not end.
    pub code: Option<i32>,
}

/// What a process used at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The process.
    pub pid: u32,
    /// When.
    pub at: Moment,
    /// Resident memory, in bytes.
    pub memory: u64,
    /// Open file descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
}
