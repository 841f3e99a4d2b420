//! Labels: what tells the values of one instrument apart. Never a key, a subject or a message.

use opentelemetry::KeyValue;

use super::vocabulary::{ALERT, CPU_MODE, MARK, REASON, STATE};
use crate::message::{AlertName, Mark, PartitionId, Reason, ShardState};
use crate::telemetry::attribute::{
    ACTOR, CAUSE, CONSUMER_GROUP, DESTINATION_TEMPLATE, ERROR_TYPE, NATS, OPERATION_NAME, OUTCOME, PARTITION,
    STREAM, SYSTEM,
};

/// The labels of one value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Labels(Vec<KeyValue>);

impl Labels {
    /// Those of a value of one actor.
    pub fn actor(actor: &str) -> Self {
        Self(vec![KeyValue::new(ACTOR, actor.to_owned())])
    }

    /// Those of what one actor receives or handles, after the messaging conventions.
    pub fn consumer(actor: &str, operation: &'static str) -> Self {
        Self::actor(actor).operation(operation).with(CONSUMER_GROUP, actor.to_owned())
    }

    /// Those of what one actor publishes.
    pub fn publisher(actor: &str) -> Self {
        Self::actor(actor).operation("publish")
    }

    /// Where to; a subject with its tokens as placeholders.
    #[must_use]
    pub fn destination(self, destination: &str) -> Self {
        self.with(DESTINATION_TEMPLATE, destination.to_owned())
    }

    /// Those of a value of one stream.
    pub fn stream(stream: &str) -> Self {
        Self::default().of_stream(stream)
    }

    /// Which stream.
    #[must_use]
    pub fn of_stream(self, stream: &str) -> Self {
        self.with(STREAM, stream.to_owned())
    }

    /// Which mark of a stream.
    #[must_use]
    pub fn mark(self, mark: Mark) -> Self {
        self.with(MARK, mark.as_str())
    }

    /// What became of a message.
    #[must_use]
    pub fn outcome(self, outcome: &'static str) -> Self {
        self.with(OUTCOME, outcome)
    }

    /// What ended an attempt.
    #[must_use]
    pub fn cause(self, cause: &'static str) -> Self {
        self.with(CAUSE, cause)
    }

    /// What an operation failed of.
    #[must_use]
    pub fn error(self, error: &'static str) -> Self {
        self.with(ERROR_TYPE, error)
    }

    /// Why a message is dead.
    #[must_use]
    pub fn reason(self, reason: Reason) -> Self {
        self.with(REASON, reason.as_str())
    }

    /// What becomes of a shard.
    #[must_use]
    pub fn shard_state(self, state: ShardState) -> Self {
        self.with(STATE, state.as_str().replace(' ', "_"))
    }

    /// Which partition.
    #[must_use]
    pub fn partition(self, partition: PartitionId) -> Self {
        self.with(PARTITION, i64::from(partition.0))
    }

    /// Which alert.
    #[must_use]
    pub fn alert(self, alert: AlertName) -> Self {
        self.with(ALERT, alert.as_str())
    }

    /// What the processor did.
    #[must_use]
    pub fn cpu_mode(self, mode: &'static str) -> Self {
        self.with(CPU_MODE, mode)
    }

    fn operation(self, operation: &'static str) -> Self {
        self.with(OPERATION_NAME, operation).with(SYSTEM, NATS)
    }

    pub(super) fn with(mut self, key: &'static str, value: impl Into<opentelemetry::Value>) -> Self {
        self.0.push(KeyValue::new(key, value));
        self
    }

    pub(super) fn as_slice(&self) -> &[KeyValue] {
        &self.0
    }
}
