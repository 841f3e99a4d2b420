//! Every span name, event name and attribute of the engine and of the ingress.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use tidegate::Message;

use super::{ProcessFields, RequestFields};
use crate::telemetry::attribute::{
    ACTOR, CAUSE, CONSUMER_GROUP, DESTINATION_TEMPLATE, ERROR_TYPE, NATS, OPERATION_NAME, OUTCOME, PARTITION,
    STREAM, SYSTEM,
};

pub(super) const RECEIVE: &str = "receive";
pub(super) const PROCESS: &str = "process";
pub(super) const SETTLE: &str = "settle";
pub(super) const PUBLISH: &str = "publish";
/// What the conventions call the type of a `publish`.
const SEND: &str = "send";

pub(super) const EXCEPTION: &str = "exception";
pub(super) const RETRY: &str = "retry";

const MESSAGE_ID_HEADER: &str = "Nats-Msg-Id";

const OPERATION_TYPE: &str = "messaging.operation.type";
const DESTINATION_NAME: &str = "messaging.destination.name";
const MESSAGE_ID: &str = "messaging.message.id";
const BODY_SIZE: &str = "messaging.message.body.size";
const HTTP_METHOD: &str = "http.request.method";
const HTTP_ROUTE: &str = "http.route";
const HTTP_STATUS: &str = "http.response.status_code";
const URL_PATH: &str = "url.path";
const URL_SCHEME: &str = "url.scheme";
const CLIENT_ADDRESS: &str = "client.address";
const EXCEPTION_TYPE: &str = "exception.type";
const EXCEPTION_MESSAGE: &str = "exception.message";
const SEQUENCE: &str = "tidegate.stream_sequence";
const KEY_HASH: &str = "tidegate.key_hash";
const ATTEMPT: &str = "tidegate.attempt";
const PORT: &str = "tidegate.port";
const RETRY_DELAY: &str = "tidegate.retry.delay_ms";

/// The name of a span; `destination` is a subject with its tokens as placeholders.
pub(super) fn name(operation: &str, destination: &str) -> String {
    format!("{operation} {destination}")
}

/// What all spans of a received message share.
pub(super) fn received(message: &Message, destination: &str, actor: &str) -> Vec<KeyValue> {
    let stored_as = || format!("{}:{}", message.stream, message.sequence);
    let id = message.headers.get(MESSAGE_ID_HEADER).map_or_else(stored_as, str::to_owned);
    vec![
        KeyValue::new(SYSTEM, NATS),
        KeyValue::new(DESTINATION_NAME, message.subject.to_string()),
        KeyValue::new(DESTINATION_TEMPLATE, destination.to_owned()),
        KeyValue::new(CONSUMER_GROUP, actor.to_owned()),
        KeyValue::new(MESSAGE_ID, id),
        KeyValue::new(BODY_SIZE, whole(message.payload.len())),
        KeyValue::new(ACTOR, actor.to_owned()),
        KeyValue::new(STREAM, Arc::clone(&message.stream)),
        KeyValue::new(SEQUENCE, whole(message.sequence)),
    ]
}

/// What a step of a received message does.
pub(super) fn operation(step: &'static str) -> [KeyValue; 2] {
    [KeyValue::new(OPERATION_NAME, step), KeyValue::new(OPERATION_TYPE, step)]
}

/// What an attempt is about.
pub(super) fn attempt(fields: &ProcessFields) -> Vec<KeyValue> {
    vec![
        KeyValue::new(ATTEMPT, i64::from(fields.attempt)),
        KeyValue::new(PARTITION, i64::from(fields.partition.0)),
        KeyValue::new(KEY_HASH, format!("{:08x}", fields.key_hash)),
    ]
}

/// What became of a message.
pub(super) fn outcome(outcome: &'static str) -> KeyValue {
    KeyValue::new(OUTCOME, outcome)
}

/// What a publish is known to be before it is addressed.
pub(super) fn publish(destination: &str, port: &str) -> [KeyValue; 5] {
    [
        KeyValue::new(OPERATION_NAME, PUBLISH),
        KeyValue::new(OPERATION_TYPE, SEND),
        KeyValue::new(SYSTEM, NATS),
        KeyValue::new(DESTINATION_TEMPLATE, destination.to_owned()),
        KeyValue::new(PORT, port.to_owned()),
    ]
}

/// What is published, and where to.
pub(super) fn published(subject: &str, message_id: &str, body_size: usize) -> [KeyValue; 3] {
    [
        KeyValue::new(DESTINATION_NAME, subject.to_owned()),
        KeyValue::new(MESSAGE_ID, message_id.to_owned()),
        KeyValue::new(BODY_SIZE, whole(body_size)),
    ]
}

/// What a request is known to be when it arrives.
pub(super) fn request(fields: &RequestFields<'_>) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new(HTTP_METHOD, fields.method.to_owned()),
        KeyValue::new(URL_PATH, fields.path.to_owned()),
        KeyValue::new(URL_SCHEME, "http"),
        KeyValue::new(CLIENT_ADDRESS, fields.client.to_owned()),
    ];
    attributes.extend(fields.route.map(|route| KeyValue::new(HTTP_ROUTE, route.to_owned())));
    attributes
}

/// How a request was answered.
pub(super) fn response(status: u16) -> Vec<KeyValue> {
    let mut attributes = vec![KeyValue::new(HTTP_STATUS, i64::from(status))];
    if status >= 500 {
        attributes.push(KeyValue::new(ERROR_TYPE, status.to_string()));
    }
    attributes
}

/// What a span that failed shows.
pub(super) fn failure(cause: &'static str) -> [KeyValue; 2] {
    [KeyValue::new(ERROR_TYPE, cause), KeyValue::new(CAUSE, cause)]
}

/// What the event of a failure shows.
pub(super) fn exception(cause: &'static str, error: &str) -> Vec<KeyValue> {
    vec![KeyValue::new(EXCEPTION_TYPE, cause), KeyValue::new(EXCEPTION_MESSAGE, error.to_owned())]
}

/// What the event of a retry shows.
pub(super) fn retry(delay: Duration) -> Vec<KeyValue> {
    vec![KeyValue::new(RETRY_DELAY, whole(delay.as_millis()))]
}

fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
