//! The durable consumer that a source pulls: its state, and how it is made anew when somebody has deleted it.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::jetstream::consumer::{DeliverPolicy, Info, pull};
use async_nats::jetstream::context::ConsumerInfoErrorKind;
use async_nats::jetstream::stream::ConsumerCreateStrictErrorKind;
use tracing::info;

use super::Connection;
use super::bounded::{LIMIT, bounded};
use crate::port::SourceError;

/// Which consumer a source pulls.
#[derive(Debug, Clone)]
pub struct Shard {
    /// The stream.
    pub stream: Arc<str>,
    /// The consumer on it, with its durable name: how it is made anew when somebody deletes it.
    pub consumer: pull::Config,
    /// The lowest sequence that is not settled, kept by who settles: where a consumer made anew starts. 0 while it is
    /// not known.
    pub floor: Arc<AtomicU64>,
}

impl Shard {
    /// The consumer's durable name.
    pub fn name(&self) -> &str {
        self.consumer.durable_name.as_deref().unwrap_or_default()
    }

    /// The consumer's state. One that does not exist is made, from the first sequence on that is not settled: the
    /// shard's floor, or the one after `settled`, if that is higher.
    pub(super) async fn ensure(&self, connection: &Connection, settled: u64) -> Result<Info, SourceError> {
        if let Some(info) = self.inspect(connection).await? {
            return Ok(info);
        }
        self.create(connection, self.floor.load(Ordering::Acquire).max(settled + 1)).await?;
        let gone = || SourceError::Unavailable(format!("consumer `{}` is gone again", self.name()));
        self.inspect(connection).await?.ok_or_else(gone)
    }

    async fn inspect(&self, connection: &Connection) -> Result<Option<Info>, SourceError> {
        let (stream, name) = (&self.stream, self.name());
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
            Ok(info) => Ok(Some(info)),
            Err(error) => match error.kind() {
                ConsumerInfoErrorKind::NotFound => Ok(None),
                ConsumerInfoErrorKind::TimedOut => Err(unanswered()),
                ConsumerInfoErrorKind::StreamNotFound => {
                    Err(SourceError::Denied(format!("stream `{stream}` does not exist")))
                }
                _ => Err(unavailable(&error)),
            },
        }
    }

    /// Makes the consumer, unless somebody else has.
    async fn create(&self, connection: &Connection, start: u64) -> Result<(), SourceError> {
        let (stream, name) = (&*self.stream, self.name());
        let deliver_policy = match start {
            0 | 1 => self.consumer.deliver_policy,
            start_sequence => DeliverPolicy::ByStartSequence { start_sequence },
        };
        info!(stream, consumer = name, start, "the consumer does not exist, creating it");

        let config = pull::Config { deliver_policy, ..self.consumer.clone() };
        let unanswered = || unanswered(connection, &format!("$JS.API.CONSUMER.CREATE.{stream}.{name}"));
        let call = connection.jetstream().create_consumer_strict_on_stream(config, stream);
        match bounded(call).await.ok_or_else(unanswered)? {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                ConsumerCreateStrictErrorKind::AlreadyExists => Ok(()),
                ConsumerCreateStrictErrorKind::TimedOut => Err(unanswered()),
                ConsumerCreateStrictErrorKind::JetStream(refusal) => {
                    Err(SourceError::Denied(refusal.to_string()))
                }
                _ => Err(unavailable(&error)),
            },
        }
    }
}

/// The error for a call without an answer: one that is denied gets none either, and only the client's events tell.
pub(super) fn unanswered(connection: &Connection, subject: &str) -> SourceError {
    match connection.refusal(subject, LIMIT * 2) {
        Some(refusal) => SourceError::Denied(refusal.text.into()),
        None => SourceError::Unavailable(format!("no answer on `{subject}` within {} s", LIMIT.as_secs())),
    }
}

/// The error for a call that ended with a failure which may pass.
pub(super) fn unavailable(error: &dyn Display) -> SourceError {
    SourceError::Unavailable(error.to_string())
}

/// The error for a command that the client could not even take.
pub(super) fn clogged() -> SourceError {
    SourceError::Unavailable("the connection is away and its queue is full".to_owned())
}
