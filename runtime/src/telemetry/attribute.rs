//! The attributes that spans and metrics share, so that one leads to the other.

pub(super) const NATS: &str = "nats";

pub(super) const SYSTEM: &str = "messaging.system";
pub(super) const OPERATION_NAME: &str = "messaging.operation.name";
pub(super) const DESTINATION_TEMPLATE: &str = "messaging.destination.template";
pub(super) const CONSUMER_GROUP: &str = "messaging.consumer.group.name";
pub(super) const ERROR_TYPE: &str = "error.type";
pub(super) const ACTOR: &str = "tidegate.actor";
pub(super) const STREAM: &str = "tidegate.stream";
pub(super) const PARTITION: &str = "tidegate.partition";
pub(super) const OUTCOME: &str = "tidegate.outcome";
pub(super) const CAUSE: &str = "tidegate.cause";
