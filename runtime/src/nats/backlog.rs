//! How much a consumer has left to do.

use async_nats::jetstream::context::ConsumerInfoErrorKind;

use super::bounded::bounded;
use super::shard::{unanswered, unavailable};
use super::{Connection, ConsumerPlan};
use crate::port::SourceError;

/// What a consumer has left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Messages that were never delivered.
    pub waiting: u64,
    /// Messages that were delivered and are not settled.
    pub unsettled: u64,
}

impl Backlog {
    /// Asks the server about a consumer.
    ///
    /// # Errors
    /// When there is no such consumer, or no answer.
    pub async fn of(connection: &Connection, consumer: &ConsumerPlan) -> Result<Self, SourceError> {
        let missing = || unavailable(&format!("consumer `{}` does not exist", consumer.name()));
        Self::find(connection, consumer).await?.ok_or_else(missing)
    }

    /// Asks the server about a consumer that need not exist.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn find(connection: &Connection, consumer: &ConsumerPlan) -> Result<Option<Self>, SourceError> {
        let (stream, name) = (consumer.stream.as_str(), consumer.name());
        let call = async {
            let stream = connection
                .jetstream()
                .get_stream_no_info(stream)
                .await
                .map_err(|error| unavailable(&error))?;
            Ok(stream.consumer_info(name).await)
        };
        let unanswered = || unanswered(connection, &format!("$JS.API.CONSUMER.INFO.{stream}.{name}"));
        match bounded(call).await.ok_or_else(unanswered)?? {
            Ok(info) => Ok(Some(Self {
                waiting: info.num_pending,
                unsettled: u64::try_from(info.num_ack_pending).unwrap_or_default(),
            })),
            Err(error) => match error.kind() {
                ConsumerInfoErrorKind::NotFound | ConsumerInfoErrorKind::StreamNotFound => Ok(None),
                ConsumerInfoErrorKind::TimedOut => Err(unanswered()),
                _ => Err(unavailable(&error)),
            },
        }
    }

    /// All that is left.
    pub fn total(self) -> u64 {
        self.waiting + self.unsettled
    }
}
