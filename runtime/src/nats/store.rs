//! Keeps the state of entities in a key-value bucket (ADR-8).

use async_nats::jetstream::kv::{self, CreateErrorKind, Operation, UpdateErrorKind};
use bytes::Bytes;

use super::bounded::{LIMIT, bounded};
use super::{Connection, state_key};
use crate::port::{BoxFuture, Entry, Revision, Store, StoreError};

/// What a stored value weighs beyond itself: headers and subject.
const OVERHEAD: usize = 256;

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
        let answer = bounded(self.bucket.entry(encoded(key)?)).await.ok_or_else(unanswered)?;
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
        let answer = match expected {
            Some(Revision(revision)) => {
                bounded(self.bucket.update(key, value, revision)).await.map(|answer| {
                    answer.map_err(|error| match error.kind() {
                        UpdateErrorKind::WrongLastRevision => StoreError::Conflict,
                        _ => unavailable(&error),
                    })
                })
            }
            None => bounded(self.bucket.create(key, value)).await.map(|answer| {
                answer.map_err(|error| match error.kind() {
                    CreateErrorKind::AlreadyExists => StoreError::Conflict,
                    _ => unavailable(&error),
                })
            }),
        };
        answer.ok_or_else(unanswered)?.map(Revision)
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

fn encoded(key: &str) -> Result<String, StoreError> {
    state_key::encode(key).ok_or(StoreError::TooLarge { bytes: key.len() })
}

fn unanswered() -> StoreError {
    StoreError::Unavailable(format!("no answer within {} s", LIMIT.as_secs()))
}

/// The error with what caused it: the kinds of the client's errors say little.
fn unavailable(error: &(dyn std::error::Error + 'static)) -> StoreError {
    let chain: Vec<String> =
        std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect();
    StoreError::Unavailable(chain.join(": "))
}
