//! Every instrument.

mod flow;
mod ingress;

pub use self::flow::*;
pub use self::ingress::*;
use super::buckets::{AGES, ATTEMPTS, OPERATIONS};
use super::instrument::{Instrument, Kind};
use crate::telemetry::attribute::{
    ACTOR, CAUSE, CONSUMER_GROUP, DESTINATION_TEMPLATE, ERROR_TYPE, OPERATION_NAME, OUTCOME, PARTITION,
    STREAM, SYSTEM,
};

pub(super) const REASON: &str = "tidegate.reason";
pub(super) const MARK: &str = "tidegate.mark";
pub(super) const STATE: &str = "tidegate.state";
pub(super) const ALERT: &str = "tidegate.alert";
pub(super) const CPU_MODE: &str = "cpu.mode";

const CONSUMER: &[&str] = &[ACTOR, CONSUMER_GROUP, OPERATION_NAME, SYSTEM];

/// Messages that the broker delivered.
pub const CONSUMED: Instrument = Instrument {
    name: "messaging.client.consumed.messages",
    kind: Kind::Counter,
    unit: "{message}",
    description: "Messages that the broker delivered, those that came again included.",
    labels: CONSUMER,
};

/// Emits that were offered to their streams.
pub const SENT: Instrument = Instrument {
    name: "messaging.client.sent.messages",
    kind: Kind::Counter,
    unit: "{message}",
    description: "Emits and dead letters that were offered to their streams, each offer of one that waits included.",
    labels: &[ACTOR, OPERATION_NAME, SYSTEM],
};

/// Time to the `PubAck`.
pub const OPERATION_DURATION: Instrument = Instrument {
    name: "messaging.client.operation.duration",
    kind: Kind::Histogram(OPERATIONS),
    unit: "s",
    description: "Time from the offer of an emit or a dead letter to the word of its stream.",
    labels: &[ACTOR, DESTINATION_TEMPLATE, ERROR_TYPE, OPERATION_NAME, SYSTEM],
};

/// Time of one attempt.
pub const PROCESS_DURATION: Instrument = Instrument {
    name: "messaging.process.duration",
    kind: Kind::Histogram(ATTEMPTS),
    unit: "s",
    description: "Time of one attempt: state, handler, emits, state again. Failed ones have an error type.",
    labels: &[ACTOR, CONSUMER_GROUP, ERROR_TYPE, OPERATION_NAME, SYSTEM],
};

/// Time from publish to done.
pub const AGE_WHEN_DONE: Instrument = Instrument {
    name: "tidegate.message.age",
    kind: Kind::Histogram(AGES),
    unit: "s",
    description: "Age of a message when it was done, since its stream stored it: by the server's clock and ours.",
    labels: &[ACTOR],
};

/// Messages brought to an end.
pub const ENDED: Instrument = Instrument {
    name: "tidegate.message.ended",
    kind: Kind::Counter,
    unit: "{message}",
    description: "Messages brought to an end, by outcome: done, already_applied, dead_lettered.",
    labels: &[ACTOR, OUTCOME],
};

/// Messages dead-lettered.
pub const DEAD_LETTERS: Instrument = Instrument {
    name: "tidegate.dead_letter.written",
    kind: Kind::Counter,
    unit: "{message}",
    description: "Dead letters written, by reason.",
    labels: &[ACTOR, REASON],
};

/// Attempts that failed.
pub const FAILED_ATTEMPTS: Instrument = Instrument {
    name: "tidegate.attempt.failed",
    kind: Kind::Counter,
    unit: "{attempt}",
    description: "Attempts that failed, by cause, whatever became of their messages.",
    labels: &[ACTOR, CAUSE],
};

/// Attempts that run.
pub const RUNNING: Instrument = Instrument {
    name: "tidegate.attempt.running",
    kind: Kind::UpDownCounter,
    unit: "{attempt}",
    description: "Attempts that run; at most partitions × concurrency of the actor.",
    labels: &[ACTOR],
};

/// Messages in flight.
pub const IN_FLIGHT: Instrument = Instrument {
    name: "tidegate.in_flight.messages",
    kind: Kind::UpDownCounter,
    unit: "{message}",
    description: "Messages in our hands: delivered and not settled. Those that do not run wait in mailboxes and lanes.",
    labels: &[ACTOR],
};

/// Bytes in flight.
pub const IN_FLIGHT_BYTES: Instrument = Instrument {
    name: "tidegate.in_flight.usage",
    kind: Kind::UpDownCounter,
    unit: "By",
    description: "Bytes of the messages in our hands.",
    labels: &[ACTOR],
};

/// The budget for bytes in flight.
pub const IN_FLIGHT_LIMIT: Instrument = Instrument {
    name: "tidegate.in_flight.limit",
    kind: Kind::UpDownCounter,
    unit: "By",
    description: "Bytes that may be in our hands: the share of `memory` that the actor's shards in this instance have.",
    labels: &[ACTOR],
};

/// Entities that wait for the broker.
pub const BLOCKED: Instrument = Instrument {
    name: "tidegate.entity.blocked",
    kind: Kind::UpDownCounter,
    unit: "{entity}",
    description: "Entities that wait for the broker to take their emits, their state or their dead letter.",
    labels: &[ACTOR],
};

/// What could run.
pub const RUNNABLE: Instrument = Instrument {
    name: "tidegate.backlog.runnable",
    kind: Kind::Gauge,
    unit: "{message}",
    description: "Messages that could run now, one for each entity: the number to scale on, summed over instances.",
    labels: &[ACTOR],
};

/// Messages that no lane has taken up.
pub const WAITING: Instrument = Instrument {
    name: "tidegate.mailbox.waiting",
    kind: Kind::UpDownCounter,
    unit: "{message}",
    description: "Messages in our hands that no lane has taken up: they wait in mailboxes, or behind others of their entity.",
    labels: &[ACTOR],
};

/// Dead letters that are kept.
pub const DEAD_LETTERS_HELD: Instrument = Instrument {
    name: "tidegate.dead_letter.held",
    kind: Kind::Gauge,
    unit: "{message}",
    description: "Dead letters of the actor that are kept in their stream; told by one instance.",
    labels: &[ACTOR],
};

/// Leases renewed.
pub const HEARTBEATS: Instrument = Instrument {
    name: "tidegate.heartbeat.renewals",
    kind: Kind::Counter,
    unit: "{renewal}",
    description: "Leases of messages in our hands that were renewed, so that the broker does not deliver them again.",
    labels: &[ACTOR],
};

/// How far away the broker is.
pub const ROUND_TRIP: Instrument = Instrument {
    name: "tidegate.broker.round_trip",
    kind: Kind::Gauge,
    unit: "s",
    description: "How long the broker took to store this instance's latest sign of life; while it does not answer, for how long.",
    labels: &[],
};

/// Messages that came again.
pub const REDELIVERIES: Instrument = Instrument {
    name: "tidegate.redeliveries",
    kind: Kind::Counter,
    unit: "{message}",
    description: "Messages that the broker delivered more than once.",
    labels: &[ACTOR],
};

/// Partitions restarted.
pub const RESTARTS: Instrument = Instrument {
    name: "tidegate.partition.restarts",
    kind: Kind::Counter,
    unit: "{restart}",
    description: "Partitions restarted after they died.",
    labels: &[ACTOR],
};

/// Interruptions of the way from the broker.
pub const INTERRUPTIONS: Instrument = Instrument {
    name: "tidegate.interruptions",
    kind: Kind::Counter,
    unit: "{interruption}",
    description: "How often the way from the broker was interrupted.",
    labels: &[ACTOR],
};

/// Stalls.
pub const STALLS: Instrument = Instrument {
    name: "tidegate.stalls",
    kind: Kind::Counter,
    unit: "{stall}",
    description: "How often nothing moved although it could have: no delivery, or a partition that did nothing.",
    labels: &[ACTOR],
};

/// Shards by state.
pub const SHARDS: Instrument = Instrument {
    name: "tidegate.shards",
    kind: Kind::UpDownCounter,
    unit: "{shard}",
    description: "Shards that this instance has or waits for: waiting, taking_over, working, draining, failed.",
    labels: &[ACTOR, STATE],
};

/// Whether an actor has failed.
pub const FAILED: Instrument = Instrument {
    name: "tidegate.actor.failed",
    kind: Kind::Gauge,
    unit: "",
    description: "1 when a partition has used up its restarts, so that its shard stands still; else 0.",
    labels: &[ACTOR],
};

/// How long intake stood still.
pub const MAILBOX_FULL_TIME: Instrument = Instrument {
    name: "tidegate.mailbox.full.time",
    kind: Kind::Counter,
    unit: "s",
    description: "How long intake has stood still in all because a partition's mailbox was full, added up over shards.",
    labels: &[ACTOR],
};

/// Which partition holds intake up.
pub const MAILBOX_FULL: Instrument = Instrument {
    name: "tidegate.mailbox.full.duration",
    kind: Kind::Gauge,
    unit: "s",
    description: "For how long this partition's full mailbox has held intake up; absent while none does.",
    labels: &[ACTOR, PARTITION],
};

/// What waits for an actor.
pub const QUEUE_DEPTH: Instrument = Instrument {
    name: "tidegate.queue.depth",
    kind: Kind::Gauge,
    unit: "{message}",
    description: "Messages of the stream that the actor has not done, in all instances; told by the one that reckons the stream.",
    labels: &[ACTOR, STREAM],
};

/// How long it has waited.
pub const QUEUE_LAG: Instrument = Instrument {
    name: "tidegate.queue.lag",
    kind: Kind::Gauge,
    unit: "s",
    description: "Age of the oldest message of the stream that the actor has not done, by the server's clock; told by the same one.",
    labels: &[ACTOR, STREAM],
};

/// Memory of the process.
pub const PROCESS_MEMORY: Instrument = Instrument {
    name: "process.memory.usage",
    kind: Kind::UpDownCounter,
    unit: "By",
    description: "The physical memory that the process uses.",
    labels: &[],
};

/// CPU time of the process.
pub const PROCESS_CPU: Instrument = Instrument {
    name: "process.cpu.time",
    kind: Kind::Counter,
    unit: "s",
    description: "CPU time that the process has used, by mode: user, system.",
    labels: &[CPU_MODE],
};

/// All of them, in the order of the documentation.
pub const ALL: &[&Instrument] = &[
    &CONSUMED,
    &PROCESS_DURATION,
    &FAILED_ATTEMPTS,
    &RUNNING,
    &ENDED,
    &AGE_WHEN_DONE,
    &DEAD_LETTERS,
    &DEAD_LETTERS_HELD,
    &SENT,
    &OPERATION_DURATION,
    &BLOCKED,
    &IN_FLIGHT,
    &IN_FLIGHT_BYTES,
    &IN_FLIGHT_LIMIT,
    &WAITING,
    &MAILBOX_FULL_TIME,
    &MAILBOX_FULL,
    &QUEUE_DEPTH,
    &QUEUE_LAG,
    &RUNNABLE,
    &BOTTLENECK,
    &ALERT_RAISED,
    &FLOW_STATE,
    &FLOW_RATE,
    &FLOW_PRESSURE,
    &INTAKE_STOPPED,
    &INTAKE_STOPPED_TIME,
    &INTAKE_STOPS,
    &INGRESS_REQUESTS,
    &INGRESS_EVENTS,
    &INGRESS_CONNECTIONS,
    &PUBLISH_REFUSALS,
    &PUBLISH_THROTTLED_TIME,
    &REDELIVERIES,
    &INTERRUPTIONS,
    &STALLS,
    &HEARTBEATS,
    &ROUND_TRIP,
    &RESTARTS,
    &FAILED,
    &SHARDS,
    &PROCESS_MEMORY,
    &PROCESS_CPU,
];
