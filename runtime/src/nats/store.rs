//! Keeps the state of entities in a key-value bucket (ADR-8).

use std::error::Error;
use std::time::Duration;

use async_nats::header::NATS_MARKER_REASON;
use async_nats::jetstream::kv::{self, CreateErrorKind, Operation, UpdateErrorKind};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use async_nats::jetstream::{self, ErrorCode};
use bytes::Bytes;
use tokio::time::sleep;

use super::bounded::{LIMIT, bounded};
use super::{Connection, state_key};
use crate::port::{BoxFuture, Entry, Revision, Store, StoreError};

/// What a stored value weighs beyond itself: headers and subject.
const OVERHEAD: usize = 256;

/// How often a write is offered while the server has not decided about another one, and how long that may take.
const UNDECIDED: usize = 20;
const DECISION: Duration = Duration::from_millis(10);

/// One bucket.
#[derive(Debug, Clone)]
pub struct NatsStore {
    connection: Connection,
    bucket: kv::Store,
}

impl NatsStore {
    /// Opens a bucket that exists.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not, or the broker does not answer.
    pub async fn open(connection: Connection, bucket: &str) -> Result<Self, StoreError> {
        let opened = bounded(connection.jetstream().get_key_value(bucket)).await;
        let bucket = opened.ok_or_else(unanswered)?.map_err(|error| unavailable(&error))?;
        Ok(Self { connection, bucket })
    }

    async fn read(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        match self.bucket.stream.cached_info().config.num_replicas {
            0 | 1 => self.read_from_any(&encoded(key)?).await,
            _ => self.read_from_leader(&encoded(key)?).await,
        }
    }

    /// The state that was saved last. Any replica answers a direct request, even one that lags behind: what a handler
    /// makes of an older state is emitted before saving the state fails.
    async fn read_from_leader(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        let subject = format!("{}{key}", self.bucket.prefix);
        let call = self.bucket.stream.get_last_raw_message_by_subject(&subject);
        match bounded(call).await.ok_or_else(unanswered)? {
            Ok(message) if is_removed(&message) => Ok(None),
            Ok(message) => Ok(Some(Entry { value: message.payload, revision: Revision(message.sequence) })),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// The same from the only server that has it: four times as many a second, since the request goes straight to
    /// the stream.
    async fn read_from_any(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        let answer = bounded(self.bucket.entry(key)).await.ok_or_else(unanswered)?;
        let entry = answer.map_err(|error| unavailable(&error))?;
        Ok(entry
            .filter(|entry| entry.operation == Operation::Put)
            .map(|entry| Entry { value: entry.value, revision: Revision(entry.revision) }))
    }

    async fn write(
        &self,
        key: &str,
        value: Bytes,
        expected: Option<Revision>,
    ) -> Result<Revision, StoreError> {
        let key = encoded(key)?;
        if value.len() > self.limit() {
            return Err(StoreError::TooLarge { bytes: value.len() });
        }
        for _ in 0..UNDECIDED {
            match self.offer(&key, value.clone(), expected).await {
                Ok(revision) => return Ok(revision),
                Err(Refusal::Undecided) => sleep(DECISION).await,
                Err(Refusal::Final(error)) => return Err(error),
            }
        }
        Err(StoreError::Unavailable("another write of the same state is under way".to_owned()))
    }

    async fn offer(&self, key: &str, value: Bytes, expected: Option<Revision>) -> Result<Revision, Refusal> {
        let answer = match expected {
            Some(Revision(revision)) => {
                bounded(self.bucket.update(key, value, revision)).await.map(|answer| {
                    answer.map_err(|error| match error.kind() {
                        UpdateErrorKind::WrongLastRevision => Refusal::Final(StoreError::Conflict),
                        _ => Refusal::of(&error),
                    })
                })
            }
            None => bounded(self.bucket.create(key, value)).await.map(|answer| {
                answer.map_err(|error| match error.kind() {
                    CreateErrorKind::AlreadyExists => Refusal::Final(StoreError::Conflict),
                    _ => Refusal::of(&error),
                })
            }),
        };
        answer.ok_or(Refusal::Final(unanswered()))?.map(Revision)
    }

    /// The largest value that the bucket and the connection take.
    fn limit(&self) -> usize {
        let connection = self.connection.client().max_payload().saturating_sub(OVERHEAD);
        match usize::try_from(self.bucket.stream.cached_info().config.max_message_size) {
            Ok(bucket @ 1..) => connection.min(bucket.saturating_sub(OVERHEAD)),
            _ => connection,
        }
    }
}

/// Why a write is not done.
#[derive(Debug)]
enum Refusal {
    /// A cluster has another write of the same key under way, perhaps one that was answered a moment ago, and tells
    /// only later which of them counts.
    Undecided,
    Final(StoreError),
}

impl Refusal {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let refused = causes(error).find_map(|cause| cause.downcast_ref::<jetstream::Error>());
        match refused.map(jetstream::Error::error_code) {
            Some(ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT) => Self::Undecided,
            _ => Self::Final(unavailable(error)),
        }
    }
}

impl Store for NatsStore {
    fn load<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(self.read(key))
    }

    fn save<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expected: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, StoreError>> {
        Box::pin(self.write(key, value, expected))
    }
}

/// Whether it only marks that the key was deleted.
fn is_removed(message: &StreamMessage) -> bool {
    message.headers.get("KV-Operation").is_some() || message.headers.get(NATS_MARKER_REASON).is_some()
}

fn encoded(key: &str) -> Result<String, StoreError> {
    state_key::encode(key).ok_or(StoreError::TooLarge { bytes: key.len() })
}

fn unanswered() -> StoreError {
    StoreError::Unavailable(format!("no answer within {} s", LIMIT.as_secs()))
}

/// The error with what caused it: the kinds of the client's errors say little.
fn unavailable(error: &(dyn Error + 'static)) -> StoreError {
    StoreError::Unavailable(causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
