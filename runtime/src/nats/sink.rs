//! Publishes to streams and waits until they have stored it.

use async_nats::client::Request;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::ErrorCode;
use async_nats::{RequestError, RequestErrorKind, Subject};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::bounded::{LIMIT, bounded};
use super::{Connection, headers};
use crate::port::{BoxFuture, Outbound, Sink, SinkError};

/// What a stream answers. The client's `Response` reads the same five times as long, since it looks at all before it
/// knows which of the two it is.
#[derive(Debug, Deserialize)]
struct Answer {
    error: Option<async_nats::jetstream::Error>,
    /// Which stream has stored it.
    stream: Option<IgnoredAny>,
}

/// Publishes over one connection.
#[derive(Debug, Clone)]
pub struct NatsSink {
    connection: Connection,
}

impl NatsSink {
    /// Publishes over `connection`.
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }

    async fn store(&self, outbound: &Outbound) -> Result<(), SinkError> {
        let Outbound { subject, headers, payload, id } = outbound;
        let mut headers = headers::sent(headers);
        headers.insert(NATS_MESSAGE_ID, headers::header_value(id));
        let bytes = payload.len();
        // `bounded` has the one timer that it takes.
        let request = Request::new().headers(headers).payload(payload.clone()).timeout(None);

        match bounded(self.connection.client().send_request(Subject::from(subject.as_str()), request)).await {
            Some(Ok(answer)) => match serde_json::from_slice(&answer.payload) {
                Ok(Answer { error: Some(error), .. }) => {
                    Err(self.refused(subject.clone(), bytes, &error).await)
                }
                Ok(Answer { stream: Some(_), .. }) => Ok(()),
                Ok(Answer { .. }) | Err(_) => Err(SinkError::Refused {
                    subject: subject.clone(),
                    reason: "what answered is not a stream".to_owned(),
                }),
            },
            Some(Err(error)) => Err(self.unsent(subject.clone(), bytes, &error)),
            None => Err(self.unanswered(subject.clone())),
        }
    }

    pub(super) async fn refused(
        &self,
        subject: String,
        bytes: usize,
        error: &async_nats::jetstream::Error,
    ) -> SinkError {
        match error.error_code() {
            ErrorCode::STREAM_STORE_FAILED if error.to_string().contains("maximum") => {
                SinkError::Full { subject }
            }
            ErrorCode::INSUFFICIENT_RESOURCES
            | ErrorCode::STORAGE_RESOURCES_EXCEEDED
            | ErrorCode::MEMORY_RESOURCES_EXCEEDED => SinkError::Full { subject },
            ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM => {
                let limit = self.stream_limit(&subject).await;
                SinkError::TooLarge { subject, bytes, limit }
            }
            _ => SinkError::Refused { subject, reason: error.to_string() },
        }
    }

    fn unsent(&self, subject: String, bytes: usize, error: &RequestError) -> SinkError {
        match error.kind() {
            RequestErrorKind::NoResponders => SinkError::NoStream { subject },
            RequestErrorKind::TimedOut => self.unanswered(subject),
            RequestErrorKind::MaxPayloadExceeded => {
                SinkError::TooLarge { subject, bytes, limit: self.connection.client().max_payload() }
            }
            _ => SinkError::Refused { subject, reason: error.to_string() },
        }
    }

    /// A denied publish gets no answer; only the client's events tell.
    pub(super) fn unanswered(&self, subject: String) -> SinkError {
        match self.connection.refusal(&subject, LIMIT * 2) {
            Some(refusal) => SinkError::Refused { subject, reason: refusal.text.into() },
            None => SinkError::Timeout { subject, seconds: LIMIT.as_secs() },
        }
    }

    /// The largest message of the stream that takes `subject`, for the error that says so.
    async fn stream_limit(&self, subject: &str) -> usize {
        let jetstream = self.connection.jetstream();
        let call = async {
            let stream = jetstream.stream_by_subject(subject).await.ok()?;
            let stream = jetstream.get_stream(stream).await.ok()?;
            usize::try_from(stream.cached_info().config.max_message_size).ok()
        };
        bounded(call).await.flatten().unwrap_or_else(|| self.connection.client().max_payload())
    }
}

impl Sink for NatsSink {
    fn publish<'a>(&'a self, outbound: &'a Outbound) -> BoxFuture<'a, Result<(), SinkError>> {
        Box::pin(self.store(outbound))
    }
}
