//! Actors: a handler, what it consumes, and how its attempts run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tidegate::subject::Pattern;

use crate::topology::name::{ActorName, HandlerName, PortName, StreamName};

/// A handler attached to subjects of a stream.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Its name.
    pub name: ActorName,
    /// The handler that does the work.
    pub handler: HandlerName,
    /// The stream it consumes.
    pub stream: StreamName,
    /// The subjects it consumes, none of which overlaps another.
    pub subjects: Vec<Pattern>,
    /// How many shards its stream is split into, each with a consumer of its own.
    pub shards: u32,
    /// Where a message's key is found.
    pub key: KeySource,
    /// What becomes of a message without a key.
    pub keyless: Keyless,
    /// What is kept in order.
    pub order: Order,
    /// The subject that each port publishes to.
    pub emits: BTreeMap<PortName, Pattern>,
    /// The streams that they go to.
    pub outputs: BTreeSet<StreamName>,
    /// Those of the outputs that make it wait when they are past their marks: not those from which its messages can
    /// come back to its own stream, or gates could wait for one another.
    pub gates: BTreeSet<StreamName>,
    /// How many partitions its entities are spread over.
    pub partitions: u32,
    /// How many messages wait for a partition, at most 256.
    pub mailbox: usize,
    /// How many attempts run in a partition.
    pub concurrency: usize,
    /// How many messages are in flight per shard.
    pub window: usize,
    /// How many attempts a message gets.
    pub max_deliver: u32,
    /// How many deliveries drains and hand-overs may cost a message besides its attempts. The consumer's own limit
    /// is `max_deliver + handovers`, see [`server_max_deliver`](Self::server_max_deliver).
    pub handovers: u32,
    /// The waits after the first, second, … failed attempt; the last one repeats.
    pub backoff: Vec<Duration>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How long the server waits for a sign of life of a delivery.
    pub ack_wait: Duration,
    /// How often a partition may be restarted within a minute before the actor has failed.
    pub restarts: u32,
    /// The handler's own settings.
    pub settings: serde_json::Value,
    /// When to raise the alarm.
    pub alerts: Alerts,
    /// When too many of its messages become dead letters.
    pub dead_letter_limits: DeadLetterLimits,
}

/// Where the key of a message is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In a named token of the subject; every subject of the actor has it.
    Token(String),
    /// In a header.
    Header(String),
    /// In the JSON payload, at this JSON pointer (RFC 6901).
    Json(String),
}

/// What becomes of a message without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keyless {
    /// It is handled in a lane of its own, in no order to others.
    OwnLane,
    /// It becomes a dead letter.
    #[default]
    DeadLetter,
}

/// What is kept in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The messages of one entity, through retries, restarts and changes of owner.
    #[default]
    Entity,
    /// Nothing: each message is its own lane.
    None,
}

/// When to raise the alarm; what is not set does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerts {
    /// More messages than this are not done.
    pub queue_depth: Option<u64>,
    /// The oldest message that is not done is older than this.
    pub lag: Option<Duration>,
    /// An attempt takes longer than this.
    pub processing: Option<Duration>,
    /// More dead letters than this are held.
    pub dead_letters: Option<u64>,
    /// More dead letters than this are written in a minute, by one instance.
    pub dead_letter_rate: Option<u64>,
    /// Some entity waits longer than this for the broker to take what it emits.
    pub blocked: Option<Duration>,
    /// For longer than this nothing is done although something is in hand.
    pub stalled: Option<Duration>,
    /// How long a number has to be past its threshold.
    pub lasting: Duration,
}

/// Past these an actor pauses, and probes with one message at a time; what is not set does not limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeadLetterLimits {
    /// The share of dead letters among the messages that ended lately in one instance, from 0 to 1.
    pub ratio: Option<f64>,
    /// How many dead letters in a row, in one instance.
    pub consecutive: Option<u64>,
    /// How many dead letters are held.
    pub held: Option<u64>,
}

impl Alerts {
    /// The default of [`lasting`](Self::lasting).
    pub const LASTING: Duration = Duration::from_secs(10);

    /// The default of [`blocked`](Self::blocked).
    pub const BLOCKED: Duration = Duration::from_mins(1);

    /// The least default of [`stalled`](Self::stalled), which is more where an attempt and the wait before it may take
    /// longer.
    pub const STALLED: Duration = Duration::from_mins(2);
}

impl DeadLetterLimits {
    /// The default of [`ratio`](Self::ratio).
    pub const RATIO: f64 = 0.5;

    /// The default of [`consecutive`](Self::consecutive).
    pub const CONSECUTIVE: u64 = 100;

    /// No limits.
    pub const NONE: Self = Self { ratio: None, consecutive: None, held: None };
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            queue_depth: None,
            lag: None,
            processing: None,
            dead_letters: None,
            dead_letter_rate: None,
            blocked: Some(Self::BLOCKED),
            stalled: Some(Self::STALLED),
            lasting: Self::LASTING,
        }
    }
}

impl Default for DeadLetterLimits {
    fn default() -> Self {
        Self { ratio: Some(Self::RATIO), consecutive: Some(Self::CONSECUTIVE), held: None }
    }
}

impl Actor {
    /// The default of [`partitions`](Self::partitions).
    pub const PARTITIONS: u32 = 16;

    /// The most partitions: each is an actor with a mailbox and a handler of its own.
    pub const MAX_PARTITIONS: u32 = 4096;

    /// What the mailboxes hold together by default, as far as that makes each neither larger than
    /// [`MAX_MAILBOX`](Self::MAX_MAILBOX) nor smaller than [`LEAST_MAILBOX`](Self::LEAST_MAILBOX).
    pub const WINDOW: usize = 4096;

    /// The smallest default of [`mailbox`](Self::mailbox), but for what [`MAX_WINDOW`](Self::MAX_WINDOW) has room for.
    pub const LEAST_MAILBOX: usize = 64;

    /// The default of [`concurrency`](Self::concurrency).
    pub const CONCURRENCY: usize = 32;

    /// The default of [`max_deliver`](Self::max_deliver).
    pub const MAX_DELIVER: u32 = 5;

    /// The default of [`handovers`](Self::handovers).
    pub const HANDOVERS: u32 = 20;

    /// The default of [`restarts`](Self::restarts).
    pub const RESTARTS: u32 = 5;

    /// The default of [`timeout`](Self::timeout).
    pub const TIMEOUT: Duration = Duration::from_secs(30);

    /// The default of [`ack_wait`](Self::ack_wait).
    pub const ACK_WAIT: Duration = Duration::from_secs(30);

    /// The shortest [`ack_wait`](Self::ack_wait): the heartbeat needs several chances within it.
    pub const MIN_ACK_WAIT: Duration = Duration::from_secs(1);

    /// The default of [`backoff`](Self::backoff).
    pub const BACKOFF: [Duration; 4] =
        [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];

    /// The largest mailbox: a longer one, when flooded, starves the partition's timers.
    pub const MAX_MAILBOX: usize = 256;

    /// The largest window.
    pub const MAX_WINDOW: usize = 65_536;

    /// The `MaxDeliver` of the consumer.
    ///
    /// Drains and hand-overs raise the server's delivery count though no attempt failed, so its limit leaves room for
    /// them; the runtime itself stops at [`max_deliver`](Self::max_deliver) attempts.
    pub fn server_max_deliver(&self) -> u32 {
        self.max_deliver.saturating_add(self.handovers)
    }
}
