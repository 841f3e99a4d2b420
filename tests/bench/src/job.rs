//! What a contestant is told, and what it answers when it is done.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The variable that carries a [`Job`].
pub(crate) const VARIABLE: &str = "BENCH_JOB";

/// What a contestant shall do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The stream that is read.
    pub(crate) stream: String,
    /// The name of the durable consumer.
    pub(crate) consumer: String,
    /// What is emitted goes to this, a dot and the entity.
    pub(crate) output: String,
    /// How many messages it has handled when it is done.
    pub(crate) messages: u64,
    /// How many of them come first and say nothing about latency.
    pub(crate) warm_up: u64,
    /// How many entities there are.
    pub(crate) entities: usize,
    /// Messages whose sequence is a multiple of it fail; 0: none.
    pub(crate) fails_every: u64,
    /// How long the handler waits, in milliseconds.
    pub(crate) takes: u64,
    /// What the hand-written loop does.
    pub(crate) manner: Manner,
    /// How many messages the loop asks for at a time.
    pub(crate) batch: u64,
    /// How many lanes the peer has.
    pub(crate) workers: usize,
    /// The process of nats-server.
    pub(crate) server: u32,
    /// When the contestant was started, in nanoseconds since 1970.
    pub(crate) started: u64,
    /// Whether one message is to be lost, for the test of the bench.
    pub(crate) loses: bool,
}

/// What a hand-written loop does with a message before its ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Manner {
    /// Sums.
    Consume,
    /// Sums, waits, many messages at a time.
    Wait,
    /// Sums and publishes, one message after the other.
    EmitOneByOne,
    /// Sums and publishes, many messages at a time.
    EmitPipelined,
    /// The same without message ids, so that the server has nothing to compare.
    EmitWithoutId,
}

impl Manner {
    /// Whether something is published for every message.
    pub(crate) fn emits(self) -> bool {
        matches!(self, Self::EmitOneByOne | Self::EmitPipelined | Self::EmitWithoutId)
    }
}

impl Job {
    /// The job of this process.
    ///
    /// # Panics
    /// When there is none: contestants are started by the bench only.
    pub(crate) fn of_this_process() -> Self {
        let text = std::env::var(VARIABLE).expect("the bench tells its contestants their job");
        serde_json::from_str(&text).expect("the bench writes jobs")
    }
}

/// What a contestant has done and measured, between its first and its last message. One line on its standard output.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The sum over all entities.
    pub(crate) sum: u64,
    /// The same with every entity's sum multiplied by its number, counted from 1, so that no two can be mixed up.
    pub(crate) weighted: u64,
    pub(crate) seconds: f64,
    /// From the start of the process to the first message.
    pub(crate) first_seconds: f64,
    /// Seconds of a core that the contestant used.
    pub(crate) client_cpu: f64,
    /// Seconds of a core that the server used.
    pub(crate) server_cpu: f64,
    /// The most memory that was resident, in bytes.
    pub(crate) peak_memory: u64,
    /// From publishing to handled, in seconds: the median and the 99th of 100.
    pub(crate) latency: Option<(f64, f64)>,
}

/// Nanoseconds since 1970, the same in all processes of the machine.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
