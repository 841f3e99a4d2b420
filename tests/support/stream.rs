//! Putting messages into a stream and reading back what it stores.

use std::collections::VecDeque;

use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use async_nats::jetstream::stream::{RawMessageErrorKind, RetentionPolicy, Stream};
use async_nats::jetstream::{Context, Message};
use futures_util::StreamExt;
use serde::Serialize;

/// A message as the stream keeps it: subject, sequence, headers, payload, time.
pub type StoredMessage = StreamMessage;

/// Publications under way: many enough to be fast, few enough to bound what the client holds.
const UNACKNOWLEDGED: usize = 256;

/// Publishes in order and awaits every PubAck, many of them at a time.
///
/// # Panics
/// When the server refuses one.
pub async fn publish(jetstream: &Context, messages: impl IntoIterator<Item = (String, PublishMessage)>) {
    let mut acks = VecDeque::with_capacity(UNACKNOWLEDGED);
    for (subject, message) in messages {
        if acks.len() == UNACKNOWLEDGED {
            acknowledged(acks.pop_front()).await;
        }
        acks.push_back(jetstream.send_publish(subject, message).await.expect("the client is connected"));
    }
    while !acks.is_empty() {
        acknowledged(acks.pop_front()).await;
    }
}

/// Publishes values as JSON, in order, and awaits every PubAck.
///
/// # Panics
/// When the server refuses one, or a value is no JSON.
pub async fn publish_json<T: Serialize>(
    jetstream: &Context,
    messages: impl IntoIterator<Item = (String, T)>,
) {
    let encoded = messages.into_iter().map(|(subject, value)| {
        let payload = serde_json::to_vec(&value).expect("a test's value is JSON");
        (subject, PublishMessage::build().payload(payload.into()))
    });
    publish(jetstream, encoded).await;
}

/// Reads every message that a stream stores at this moment, in order, taking none of them away.
///
/// # Panics
/// When the stream is missing or cannot be read.
pub async fn read_stream(jetstream: &Context, name: &str) -> Vec<StoredMessage> {
    let stream = jetstream.get_stream(name).await.unwrap_or_else(|error| panic!("stream `{name}`: {error}"));
    if stream.cached_info().state.messages == 0 {
        return Vec::new();
    }
    match stream.cached_info().config.retention {
        RetentionPolicy::WorkQueue => read_one_by_one(&stream).await,
        _ => read_through_consumer(&stream).await,
    }
}

async fn acknowledged(ack: Option<PublishAckFuture>) {
    ack.expect("there is one under way").await.expect("the server stores what a test publishes");
}

async fn read_through_consumer(stream: &Stream) -> Vec<StoredMessage> {
    let consumer = stream.create_consumer(OrderedConfig::default()).await.expect("a stream can be read");
    let mut arriving = consumer.messages().await.expect("a stream can be read");
    let mut messages = Vec::new();
    while let Some(message) = arriving.next().await {
        let message = message.expect("a stream can be read");
        let pending = message.info().expect("JetStream messages carry a reply subject").pending;
        messages.push(stored(message));
        if pending == 0 {
            break;
        }
    }
    messages
}

/// A work queue takes no second consumer, so its messages are fetched by sequence.
async fn read_one_by_one(stream: &Stream) -> Vec<StoredMessage> {
    let state = &stream.cached_info().state;
    let mut messages = Vec::new();
    for sequence in state.first_sequence..=state.last_sequence {
        match stream.get_raw_message(sequence).await {
            Ok(message) => messages.push(message),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => {}
            Err(error) => panic!("message {sequence}: {error}"),
        }
    }
    messages
}

fn stored(message: Message) -> StoredMessage {
    let info = message.info().expect("JetStream messages carry a reply subject");
    let (sequence, time) = (info.stream_sequence, info.published);
    let Message { message, .. } = message;
    StoredMessage {
        subject: message.subject,
        sequence,
        headers: message.headers.unwrap_or_default(),
        payload: message.payload,
        time,
    }
}
