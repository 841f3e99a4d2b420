//! The durable consumer that a source pulls: its state, and how it is made anew when somebody has deleted it.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_nats::jetstream::consumer::{DeliverPolicy, Info, IntoConsumerConfig as _, pull};
use async_nats::jetstream::context::{ConsumerInfoErrorKind, GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::stream::ConsumerCreateStrictErrorKind;
use async_nats::jetstream::{self, ErrorCode};
use tracing::{error, info, warn};

use super::Connection;
use super::bounded::{LIMIT, bounded};
use super::provision::{Difference, of_consumers};
use crate::message::ShardPrefix;
use crate::port::{SourceError, Tenure};

/// Which consumer a source pulls.
#[derive(Debug, Clone)]
pub struct Shard {
    /// The stream.
    pub stream: Arc<str>,
    /// The consumer on it, with its durable name: how it is made anew when somebody deletes it.
    pub consumer: pull::Config,
    /// What the stream puts before the subjects of the messages.
    pub prefix: ShardPrefix,
    /// The lowest sequence that is not settled, kept by who settles: where a consumer made anew starts. 0 while it is
    /// not known.
    pub floor: Arc<AtomicU64>,
    /// The right to pull it, where the consumer pins one client; else [`Tenure::for_ever`].
    pub tenure: Arc<Tenure>,
}

/// What a source remembers of the stream and its consumer from one look to the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// When the stream was created, in nanoseconds since the epoch: one that was deleted and created again counts from
    /// one, so what was settled in the old one says nothing.
    created: Option<i128>,
    /// Up to and with this sequence everything was settled at the last look.
    settled: u64,
    /// Where the consumer was not what we would make, at the last look.
    edits: Vec<Difference>,
}

impl Memory {
    /// Whether somebody has edited the consumer.
    pub(super) fn is_edited(&self) -> bool {
        !self.edits.is_empty()
    }
}

impl Shard {
    /// The consumer's durable name.
    pub fn name(&self) -> &str {
        self.consumer.durable_name.as_deref().unwrap_or_default()
    }

    /// The consumer's state. One that does not exist is made, from the first sequence on that is not settled: the
    /// shard's floor, or the one after what was settled at the last look, if that is higher.
    pub(super) async fn ensure(
        &self,
        connection: &Connection,
        memory: &mut Memory,
    ) -> Result<Info, SourceError> {
        let known = memory.created;
        if known.is_none() {
            memory.created = Some(self.created(connection).await?);
        }
        let info = match self.inspect(connection).await? {
            Some(info) => info,
            None => self.make(connection, known, memory).await?,
        };
        memory.settled = memory.settled.max(info.ack_floor.stream_sequence);
        self.compare(&info, memory);
        Ok(info)
    }

    /// Reports where the consumer is not what we would make, once for each edit. It is never edited back.
    pub(super) fn compare(&self, info: &Info, memory: &mut Memory) {
        let declared = self.consumer.clone().into_consumer_config();
        let edits = of_consumers(&self.stream, &declared, &info.config);
        if edits == memory.edits {
            return;
        }
        for difference in &edits {
            error!(
                %difference,
                "somebody has edited the consumer, and it may skip messages: edit it back, \
                 or delete it with `nats consumer rm`, and it is made anew"
            );
        }
        if edits.is_empty() {
            info!(stream = %self.stream, consumer = self.name(), "the consumer is again as it was made");
        }
        memory.edits = edits;
    }

    /// Deletes the consumer and makes it anew.
    pub(super) async fn replace(
        &self,
        connection: &Connection,
        memory: &mut Memory,
    ) -> Result<(), SourceError> {
        let (stream, name) = (&*self.stream, self.name());
        let call = connection.jetstream().delete_consumer_from_stream(name, stream);
        match bounded(call).await {
            Some(Ok(_)) => self.ensure(connection, memory).await.map(drop),
            Some(Err(error)) => Err(unavailable(&error)),
            None => Err(unanswered(connection, &format!("$JS.API.CONSUMER.DELETE.{stream}.{name}"))),
        }
    }

    async fn make(
        &self,
        connection: &Connection,
        known: Option<i128>,
        memory: &mut Memory,
    ) -> Result<Info, SourceError> {
        let created = self.created(connection).await?;
        if known.is_some_and(|known| known != created) {
            warn!(stream = %self.stream, "the stream was created again, its consumer starts at its first message");
            *memory = Memory { created: Some(created), ..Memory::default() };
            self.floor.store(0, Ordering::Release);
        }
        self.create(connection, self.floor.load(Ordering::Acquire).max(memory.settled + 1)).await?;
        let gone = || SourceError::Unavailable(format!("consumer `{}` is gone again", self.name()));
        self.inspect(connection).await?.ok_or_else(gone)
    }

    async fn created(&self, connection: &Connection) -> Result<i128, SourceError> {
        let stream = &self.stream;
        match bounded(connection.jetstream().get_stream(stream)).await {
            Some(Ok(stream)) => Ok(stream.cached_info().created.unix_timestamp_nanos()),
            Some(Err(error)) if is_missing(&error) => {
                Err(SourceError::Denied(format!("stream `{stream}` does not exist")))
            }
            Some(Err(error)) => Err(unavailable(&error)),
            None => Err(unanswered(connection, &format!("$JS.API.STREAM.INFO.{stream}"))),
        }
    }

    /// The consumer's state; `None` when it does not exist.
    pub(super) async fn inspect(&self, connection: &Connection) -> Result<Option<Info>, SourceError> {
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

    /// Makes the consumer, unless somebody else has. A work queue keeps no settled message and insists on delivering
    /// all it has.
    async fn create(&self, connection: &Connection, start: u64) -> Result<(), SourceError> {
        info!(stream = %self.stream, consumer = self.name(), start, "the consumer does not exist, creating it");
        let from_start = match start {
            0 | 1 => self.consumer.deliver_policy,
            start_sequence => DeliverPolicy::ByStartSequence { start_sequence },
        };
        match self.create_with(connection, from_start).await? {
            Some(refusal) if refusal.error_code() == ErrorCode::CONSUMER_WQ_CONSUMER_NOT_DELIVER_ALL => {
                let refusal = self.create_with(connection, self.consumer.deliver_policy).await?;
                refusal.map_or(Ok(()), |refusal| Err(SourceError::Denied(refusal.to_string())))
            }
            Some(refusal) => Err(SourceError::Denied(refusal.to_string())),
            None => Ok(()),
        }
    }

    /// `Some` is the server's refusal.
    async fn create_with(
        &self,
        connection: &Connection,
        deliver_policy: DeliverPolicy,
    ) -> Result<Option<jetstream::Error>, SourceError> {
        let (stream, name) = (&*self.stream, self.name());
        let config = pull::Config { deliver_policy, ..self.consumer.clone() };
        let unanswered = || unanswered(connection, &format!("$JS.API.CONSUMER.CREATE.{stream}.{name}"));
        let call = connection.jetstream().create_consumer_strict_on_stream(config, stream);
        match bounded(call).await.ok_or_else(unanswered)? {
            Ok(_) => Ok(None),
            Err(error) => match error.kind() {
                ConsumerCreateStrictErrorKind::AlreadyExists => Ok(None),
                ConsumerCreateStrictErrorKind::TimedOut => Err(unanswered()),
                ConsumerCreateStrictErrorKind::JetStream(refusal) => Ok(Some(refusal)),
                _ => Err(unavailable(&error)),
            },
        }
    }
}

fn is_missing(error: &GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(refusal) if refusal.error_code() == ErrorCode::STREAM_NOT_FOUND)
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
