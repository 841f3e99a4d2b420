//! `[actors.<name>]`: a handler attached to subjects of a stream.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Count, Located, Ratio, Settings, Timespan};
use crate::topology::model::{Actor, Alerts, DeadLetterLimits};

/// A handler attached to subjects of a stream.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Actor", extend("required" = ["handler", "stream", "subjects"]))]
pub(in crate::topology) struct ActorTable {
    /// The handler that does the work: a key of `[handlers]`.
    #[schemars(extend("examples" = ["payments"]))]
    pub handler: Option<Located<String>>,
    /// The stream to consume: a key of `[streams]`.
    #[schemars(extend("examples" = ["ORDERS"]))]
    pub stream: Option<Located<String>>,
    /// The subjects to consume: `orders.{order}.placed`, where `{order}` names a token.
    #[schemars(extend("examples" = [["orders.{order}.placed"]]))]
    pub subjects: Option<Located<Vec<Located<String>>>>,
    /// Where a message's key is found; by default in the first named token of the subject.
    pub key: Option<Located<KeyTable>>,
    /// What becomes of a message without a key; by default it becomes a dead letter, or with `order = "none"` has its
    /// own lane.
    pub keyless: Option<Located<KeylessWord>>,
    /// What is kept in order.
    #[schemars(extend("default" = "entity"))]
    pub order: Option<Located<OrderWord>>,
    /// The subject each of the handler's ports publishes to; named tokens take their values from the input.
    pub emits: BTreeMap<Located<String>, Located<String>>,
    /// How many partitions the entities are spread over.
    #[schemars(extend("default" = Actor::PARTITIONS))]
    pub partitions: Option<Located<Count>>,
    /// How many messages wait for a partition, at most 256; by default what the window has room for, or without one
    /// what 4096 in flight have room for, but 64 at least.
    pub mailbox: Option<Located<Count>>,
    /// How many attempts run at once in a partition.
    #[schemars(extend("default" = Actor::CONCURRENCY))]
    pub concurrency: Option<Located<Count>>,
    /// How many messages are in flight; by default as many as the mailboxes hold.
    pub window: Option<Located<Count>>,
    /// How many attempts a message gets before it becomes a dead letter.
    #[schemars(extend("default" = Actor::MAX_DELIVER))]
    pub max_deliver: Option<Located<Count>>,
    /// How many deliveries drains and hand-overs may cost a message besides its attempts. The consumer's own limit
    /// on the server is `max_deliver + handovers`.
    #[schemars(extend("default" = Actor::HANDOVERS))]
    pub handovers: Option<Located<Count>>,
    /// The waits after the first, second, … failed attempt, with jitter; the last one repeats.
    #[schemars(extend("default" = Actor::BACKOFF.map(|step| humantime::format_duration(step).to_string())))]
    pub backoff: Option<Located<Vec<Located<Timespan>>>>,
    /// How long one attempt may take.
    #[schemars(extend("default" = humantime::format_duration(Actor::TIMEOUT).to_string()))]
    pub timeout: Option<Located<Timespan>>,
    /// How long the server waits for a sign of life before it delivers again.
    #[schemars(extend("default" = humantime::format_duration(Actor::ACK_WAIT).to_string()))]
    pub ack_wait: Option<Located<Timespan>>,
    /// How often a partition may be restarted within a minute before the actor has failed.
    #[schemars(extend("default" = Actor::RESTARTS))]
    pub restarts: Option<Located<Count>>,
    /// The handler's own settings.
    pub settings: Option<Located<Settings>>,
    /// When to raise the alarm.
    pub alerts: Option<AlertsTable>,
    /// When the actor pauses because too many of its messages become dead letters.
    pub dead_letter_limits: Option<DeadLetterLimitsTable>,
}

/// Where a message's key is found: exactly one of the three.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Key", extend("minProperties" = 1, "maxProperties" = 1))]
pub(in crate::topology) struct KeyTable {
    /// The name of a token of every subject.
    pub token: Option<Located<String>>,
    /// The name of a header.
    pub header: Option<Located<String>>,
    /// A JSON pointer into the payload: `/customer/id`.
    pub json: Option<Located<String>>,
}

/// When to raise the alarm.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Alerts")]
pub(in crate::topology) struct AlertsTable {
    /// More messages than this wait in the stream or are in hand.
    pub queue_depth: Option<Located<Count>>,
    /// The oldest of them was stored longer ago than this.
    pub lag: Option<Located<Timespan>>,
    /// The slowest attempt of the last minute took longer than this.
    pub processing: Option<Located<Timespan>>,
    /// More dead letters of the actor than this are held.
    pub dead_letters: Option<Located<Count>>,
    /// More dead letters than this were written within a minute, by one instance.
    pub dead_letter_rate: Option<Located<Count>>,
    /// Some entity waits longer than this for the broker to take what it emits, its state or its dead letter; `"0s"`
    /// raises no alarm.
    #[schemars(extend("default" = humantime::format_duration(Alerts::BLOCKED).to_string()))]
    pub blocked: Option<Located<Timespan>>,
    /// Nothing is done for longer than this although messages are in hand; by default twice `timeout` and the longest
    /// wait of `backoff` together, and 2 minutes at least; `"0s"` raises no alarm.
    pub stalled: Option<Located<Timespan>>,
    /// How long a number has to be past its threshold before the alarm is raised, and clearly below it before it is
    /// cleared.
    #[schemars(extend("default" = humantime::format_duration(Alerts::LASTING).to_string()))]
    #[serde(rename = "for")]
    pub lasting: Option<Located<Timespan>>,
}

/// When an actor pauses, and probes with one message at a time, because too many of its messages become dead letters.
/// Each limit is switched off by 0.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "DeadLetterLimits")]
pub(in crate::topology) struct DeadLetterLimitsTable {
    /// This share of the last 200 messages that ended in one instance became dead letters, of at least 100 that ended
    /// within ten minutes.
    #[schemars(extend("default" = DeadLetterLimits::RATIO))]
    pub ratio: Option<Located<Ratio>>,
    /// So many dead letters in a row in one instance.
    #[schemars(extend("default" = DeadLetterLimits::CONSECUTIVE))]
    pub consecutive: Option<Located<Count>>,
    /// So many dead letters of the actor are held, and there is one more; by default any number may be.
    pub held: Option<Located<Count>>,
}

/// What becomes of a message without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Keyless")]
pub(in crate::topology) enum KeylessWord {
    /// It is handled in a lane of its own, in no order to others.
    OwnLane,
    /// It becomes a dead letter.
    DeadLetter,
}

/// What is kept in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Order")]
pub(in crate::topology) enum OrderWord {
    /// The messages of one entity, through retries, restarts and changes of owner.
    Entity,
    /// Nothing: each message is its own lane.
    None,
}
