//! Reads what a stream stores, in order, without consuming it; and removes single messages.

use std::sync::Arc;
use std::time::SystemTime;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{DeleteMessageErrorKind, Stream};
use async_nats::jetstream::{self, ErrorCode};
use futures_util::StreamExt;
use tidegate::subject::TokenNames;
use tidegate::{Headers, Message};

use super::bounded::bounded;
use super::shard::{unanswered, unavailable};
use super::{Connection, headers, stored};
use crate::port::SourceError;

/// A stream to be read.
#[derive(Debug, Clone)]
pub struct Archive {
    connection: Connection,
    name: Arc<str>,
    stream: Stream,
}

/// Why a stream cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// There is no such stream.
    #[error("the stream `{stream}` does not exist")]
    Missing {
        /// The stream.
        stream: Arc<str>,
    },
    /// The broker does not answer or refuses.
    #[error(transparent)]
    Broker(#[from] SourceError),
}

/// What an archive holds from some point on, up to where it ended when the reading began.
pub struct Reader {
    connection: Connection,
    name: Arc<str>,
    /// `None` when there is nothing to read.
    messages: Option<Ordered>,
    /// How many are left.
    pending: u64,
}

impl Archive {
    /// Opens the stream.
    pub async fn open(connection: Connection, stream: &str) -> Result<Self, ArchiveError> {
        let name: Arc<str> = stream.into();
        let api = format!("$JS.API.STREAM.INFO.{stream}");
        let answer = bounded(connection.jetstream().get_stream(stream)).await;
        let found =
            answer.ok_or_else(|| unanswered(&connection, &api))?.map_err(|error| match error.kind() {
                GetStreamErrorKind::JetStream(refused)
                    if refused.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                {
                    ArchiveError::Missing { stream: Arc::clone(&name) }
                }
                GetStreamErrorKind::Request => unanswered(&connection, &api).into(),
                _ => unavailable(&error).into(),
            });
        found.map(|stream| Self { connection, name, stream })
    }

    /// Reads the messages whose subjects match `filter`, from the sequence `start` on.
    pub async fn read(&self, filter: &str, start: u64) -> Result<Reader, ArchiveError> {
        let config = OrderedConfig {
            filter_subject: filter.to_owned(),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: start.max(1) },
            ..OrderedConfig::default()
        };
        let created = bounded(self.stream.create_consumer(config)).await;
        let consumer = created.ok_or_else(|| self.unanswered())?.map_err(|error| unavailable(&error))?;
        let pending = consumer.cached_info().num_pending;
        let messages = match pending {
            0 => None,
            _ => Some(
                bounded(consumer.messages())
                    .await
                    .ok_or_else(|| self.unanswered())?
                    .map_err(|error| unavailable(&error))?,
            ),
        };
        Ok(Reader { connection: self.connection.clone(), name: Arc::clone(&self.name), messages, pending })
    }

    /// The message with that sequence, if it is still there.
    pub async fn fetch(&self, sequence: u64) -> Result<Option<Message>, ArchiveError> {
        Ok(stored::fetch(&self.connection, &self.name, sequence).await?)
    }

    /// Removes the message with that sequence; one that is not there is no error.
    pub async fn remove(&self, sequence: u64) -> Result<(), ArchiveError> {
        let answer = bounded(self.stream.delete_message(sequence)).await.ok_or_else(|| self.unanswered())?;
        match answer {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                DeleteMessageErrorKind::JetStream(refused) if is_absent(&refused) => Ok(()),
                DeleteMessageErrorKind::TimedOut => Err(self.unanswered().into()),
                _ => Err(unavailable(&error).into()),
            },
        }
    }

    fn unanswered(&self) -> SourceError {
        unanswered(&self.connection, &format!("$JS.API.*.{}", self.name))
    }
}

impl Reader {
    /// How many messages are left.
    pub fn left(&self) -> u64 {
        self.pending
    }

    /// The next message, or `None` when all were read.
    pub async fn next(&mut self) -> Result<Option<Message>, ArchiveError> {
        let Some(messages) = self.messages.as_mut().filter(|_| self.pending > 0) else { return Ok(None) };
        let unanswered = || unanswered(&self.connection, &format!("$JS.API.CONSUMER.MSG.NEXT.{}", self.name));
        let Some(next) = bounded(messages.next()).await.ok_or_else(unanswered)? else { return Ok(None) };
        let message = next.map_err(|error| unavailable(&error))?;
        let info = message.info().map_err(|error| SourceError::Unavailable(error.to_string()))?;
        self.pending = info.pending.min(self.pending - 1);
        let (sequence, published) = (info.stream_sequence, SystemTime::from(info.published));
        let jetstream::Message { message, .. } = message;
        Ok(Some(Message {
            subject: message.subject.as_str().into(),
            tokens: TokenNames::default(),
            headers: message.headers.as_ref().map_or_else(Headers::new, headers::received),
            payload: message.payload,
            stream: Arc::clone(&self.name),
            sequence,
            published,
            key: bytestring::ByteString::new(),
        }))
    }
}

/// Of a sequence that never was the server says that the removal failed, and the reason only in words.
fn is_absent(refused: &jetstream::Error) -> bool {
    match refused.error_code() {
        ErrorCode::SEQUENCE_NOT_FOUND | ErrorCode::NO_MESSAGE_FOUND => true,
        ErrorCode::STREAM_MESSAGE_DELETE_FAILED => refused.to_string().contains("no message found"),
        _ => false,
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("stream", &self.name)
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}
