//! Messages that the server gave up delivering, as arrivals of their own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use bytes::Bytes;
use tidegate::subject::Pattern;
use tracing::{debug, error, warn};

use super::advisory::Advisory;
use super::{Connection, NatsSettle, NatsSource, Shard, ack_subject, names, stored};
use crate::message::ShardPrefix;
use crate::port::{
    Arrival, Arrivals, BoxFuture, Pending, Receipt, Room, Settle, Settlement, Source, SourceError, Tenure,
};

/// How long a dead letter may take before its advisory is delivered again.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// The most advisories that are delivered and not settled.
const WINDOW: i64 = 256;
/// Divides the two ack subjects of a receipt; no subject has a space.
const DIVIDER: u8 = b' ';

/// The consumer whose lost messages are wanted, and where the server's advisories about it are kept.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The stream that captures the advisories.
    pub advisories: Arc<str>,
    /// The durable consumer on it that reads those about this consumer.
    pub reader: String,
    /// The stream of the messages.
    pub stream: Arc<str>,
    /// The consumer that lost them.
    pub consumer: String,
    /// What the stream puts before the subjects of the messages that the consumer is delivered.
    pub prefix: ShardPrefix,
    /// What the consumer is delivered, as it was published; no message of another subject can be lost by it.
    pub subjects: Vec<Pattern>,
}

/// The messages that one consumer lost: those delivered as often as it allows, and those terminated by others.
///
/// An arrival holds the original message and how often it was delivered; its receipt settles the advisory, by
/// [`ExhaustedSettle`]. Sequences in [`pending`](Source::pending) and [`claim`](Source::claim) are the advisories'.
#[derive(Debug)]
pub struct ExhaustedSource {
    connection: Connection,
    settle: NatsSettle,
    watched: Watched,
    advisories: NatsSource,
    is_open: bool,
    unresolved: VecDeque<Arrival>,
    resolved: Arrivals,
}

impl ExhaustedSource {
    /// A source that asks for nothing yet. The consumer of the advisories is made when they are first asked for.
    pub fn new(connection: Connection, watched: Watched) -> Self {
        let consumer = pull::Config {
            durable_name: Some(watched.reader.clone()),
            description: Some(format!("advisories about {} of {}", watched.consumer, watched.stream)),
            filter_subjects: names::advisory_subjects(&watched.stream, &watched.consumer).into(),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_deliver: -1,
            max_ack_pending: WINDOW,
            ..pull::Config::default()
        };
        let shard = Shard {
            stream: Arc::clone(&watched.advisories),
            consumer,
            floor: Arc::new(AtomicU64::new(0)),
            tenure: Arc::new(Tenure::for_ever()),
            prefix: ShardPrefix::default(),
        };
        Self {
            advisories: NatsSource::new(connection.clone(), shard),
            is_open: false,
            settle: NatsSettle::new(connection.clone()),
            connection,
            watched,
            unresolved: VecDeque::new(),
            resolved: Arrivals::new(),
        }
    }

    async fn lost(&mut self, room: Room) -> Result<Arrivals, SourceError> {
        if !self.is_open {
            self.advisories.pending().await?;
            self.is_open = true;
        }
        loop {
            while let Some(advisory) = self.unresolved.front() {
                let arrival = self.resolve(advisory).await?;
                self.resolved.extend(arrival);
                self.unresolved.pop_front();
            }
            if !self.resolved.is_empty() {
                return Ok(std::mem::take(&mut self.resolved));
            }
            let advisories = self.advisories.next(room).await?;
            if advisories.is_empty() {
                return Ok(Arrivals::new());
            }
            self.unresolved.extend(advisories);
        }
    }

    /// The message that an advisory is about; `None` when there is nothing to be done about it, which is final.
    async fn resolve(&self, arrival: &Arrival) -> Result<Option<Arrival>, SourceError> {
        let Watched { stream, consumer, prefix, subjects, .. } = &self.watched;
        let (sequence, deliveries) = match Advisory::read(&arrival.message.payload, stream, consumer) {
            Ok(Advisory::Lost { sequence, deliveries }) => (sequence, deliveries),
            Ok(Advisory::Own) => {
                debug!(%stream, consumer, "skipped the advisory about a term of our own");
                return Ok(self.done_with(arrival).await);
            }
            Err(reason) => {
                warn!(%stream, consumer, advisory = arrival.message.sequence, %reason, "ignored an advisory");
                return Ok(self.done_with(arrival).await);
            }
        };
        let Some(mut message) = stored::fetch(&self.connection, stream, sequence).await? else {
            error!(%stream, sequence, consumer, "a message that was given up is gone: retention removed it before its dead letter was written");
            return Ok(self.done_with(arrival).await);
        };
        message.subject = prefix.strip(&message.subject).into();
        if !subjects.iter().any(|pattern| pattern.matches(&message.subject)) {
            warn!(%stream, sequence, consumer, "ignored an advisory about a message that the consumer never has");
            return Ok(self.done_with(arrival).await);
        }
        let original = ack_subject::for_sequence(&ack_subject::consumer(stream, consumer), sequence, 1);
        let receipt = join(&arrival.receipt, &original);
        Ok(Some(Arrival { message, delivered: deliveries, receipt }))
    }

    async fn done_with(&self, advisory: &Arrival) -> Option<Arrival> {
        self.settle.settle(&advisory.receipt, Settlement::Ack).await;
        None
    }
}

impl Source for ExhaustedSource {
    fn acquire(&mut self) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        self.advisories.acquire()
    }

    fn evict(&mut self) -> BoxFuture<'_, Result<bool, SourceError>> {
        Box::pin(std::future::ready(Ok(false)))
    }

    fn release(&mut self) -> BoxFuture<'_, ()> {
        self.advisories.release()
    }

    fn next(&mut self, room: Room) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        Box::pin(self.lost(room))
    }

    fn pending(&mut self) -> BoxFuture<'_, Result<Pending, SourceError>> {
        self.unresolved.clear();
        self.resolved.clear();
        self.advisories.pending()
    }

    fn claim<'a>(&'a mut self, sequences: &'a [u64]) -> BoxFuture<'a, Result<(), SourceError>> {
        self.advisories.claim(sequences)
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        self.advisories.close()
    }
}

/// Settles what an [`ExhaustedSource`] delivered.
#[derive(Debug, Clone)]
pub struct ExhaustedSettle {
    inner: NatsSettle,
}

impl ExhaustedSettle {
    /// Settles over `connection`.
    pub fn new(connection: Connection) -> Self {
        Self { inner: NatsSettle::new(connection) }
    }

    async fn settle_both(&self, receipt: &Receipt, settlement: Settlement) {
        let (advisory, original) = split(receipt);
        // An exhausted message stays in a work-queue stream, invisible, until somebody acks it.
        if settlement == Settlement::Ack {
            self.inner.publish(original, Settlement::Ack).await;
        }
        self.inner.publish(advisory, settlement).await;
    }
}

impl Settle for ExhaustedSettle {
    fn settle<'a>(&'a self, receipt: &'a Receipt, settlement: Settlement) -> BoxFuture<'a, ()> {
        Box::pin(self.settle_both(receipt, settlement))
    }

    fn flush(&self) -> BoxFuture<'_, ()> {
        self.inner.flush()
    }
}

fn join(advisory: &Receipt, original: &str) -> Receipt {
    Receipt([&advisory.0[..], &[DIVIDER], original.as_bytes()].concat().into())
}

fn split(receipt: &Receipt) -> (Bytes, Bytes) {
    let bytes = &receipt.0;
    match bytes.iter().position(|&byte| byte == DIVIDER) {
        Some(divider) => (bytes.slice(..divider), bytes.slice(divider + 1..)),
        None => (bytes.clone(), Bytes::new()),
    }
}
