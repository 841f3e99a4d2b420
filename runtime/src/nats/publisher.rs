//! Publishes many messages in their order, without waiting for one to be stored before the next is sent.

use std::error::Error;

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::{HeaderMap, Subject};
use futures_util::FutureExt;
use futures_util::future::ready;

use super::bounded::bounded;
use super::{Connection, NatsSink, headers};
use crate::port::{BoxFuture, Outbound, SinkError};

/// Publishes over one connection, for who has many messages at hand; the [`NatsSink`] is for who has one.
///
/// Calls of the sink that are made at once keep no order: which of them is first polled to the point of sending is up
/// to the scheduler.
#[derive(Debug, Clone)]
pub struct Publisher {
    connection: Connection,
    sink: NatsSink,
}

impl Publisher {
    /// Publishes over `connection`.
    pub fn new(connection: Connection) -> Self {
        Self { sink: NatsSink::new(connection.clone()), connection }
    }

    /// Sends a message behind those that were sent before, and returns what waits until a stream has stored it.
    ///
    /// # Cancel safety
    /// A cancelled call has sent the message or not.
    pub async fn send(&self, outbound: Outbound) -> BoxFuture<'static, Result<(), SinkError>> {
        let Outbound { subject, headers, payload, id } = outbound;
        let bytes = payload.len();
        let mut map: HeaderMap = headers::sent(&headers);
        map.insert(NATS_MESSAGE_ID, headers::header_value(&id));
        let message = PublishMessage::build().headers(map).payload(payload);

        let sent =
            bounded(self.connection.jetstream().send_publish(Subject::from(subject.as_str()), message)).await;
        let ack = match sent {
            Some(Ok(ack)) => ack,
            Some(Err(error)) => return ready(Err(self.failed(subject, bytes, &error).await)).boxed(),
            None => return ready(Err(self.sink.unanswered(subject))).boxed(),
        };
        let publisher = self.clone();
        Box::pin(async move {
            match ack.await {
                Ok(_) => Ok(()),
                Err(error) => Err(publisher.failed(subject, bytes, &error).await),
            }
        })
    }

    async fn failed(&self, subject: String, bytes: usize, error: &PublishError) -> SinkError {
        match error.kind() {
            PublishErrorKind::StreamNotFound => SinkError::NoStream { subject },
            PublishErrorKind::TimedOut => self.sink.unanswered(subject),
            PublishErrorKind::MaxPayloadExceeded => {
                SinkError::TooLarge { subject, bytes, limit: self.connection.max_payload() }
            }
            _ => match error.source().and_then(|source| source.downcast_ref::<jetstream::Error>()) {
                Some(refused) => self.sink.refused(subject, bytes, refused).await,
                None => SinkError::Refused { subject, reason: error.to_string() },
            },
        }
    }
}
