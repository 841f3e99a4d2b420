//! Pulls one durable consumer with requests of its own, and notices when messages may have been lost on their way.

mod acquire;
mod stall;

use std::sync::Arc;
use std::time::Duration;

use async_nats::client::Request as ApiRequest;
use async_nats::jetstream::consumer::Info;
use bytes::Bytes;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use self::stall::Watch;
use super::Connection;
use super::ack_subject::{self, AckSubject};
use super::arrival::arrival;
use super::bounded::{LIMIT, bounded};
use super::demand::{Demand, Request, Wish};
use super::inbox::Inbox;
use super::link::Link;
use super::notice::Notice;
use super::pin::Pin;
use super::shard::{Memory, Shard, clogged, unanswered, unavailable};
use crate::port::{Arrivals, BoxFuture, Pending, Receipt, Room, Source, SourceError};

/// How long the server keeps a request open, in nanoseconds.
const EXPIRES_NS: u64 = 30_000_000_000;
/// How often the server tells that an open request is alive, in nanoseconds.
const HEARTBEAT_NS: u64 = 5_000_000_000;
/// After how long without a sign of life a request counts as lost.
const SILENCE: Duration = Duration::from_millis(12_500);
/// What a message weighs at the server beyond headers and payload: its subject and its reply subject, which fit into
/// one protocol line.
const PROTOCOL_LINE: usize = 4096;
/// How long a closed source goes on to receive what it has asked for. A backlog has arrived by then; what has not would
/// be delivered in vain, which the server counts.
const LAST_CALL: Duration = Duration::from_millis(250);
const NAK: Bytes = Bytes::from_static(b"-NAK");

/// One durable consumer, pulled over one connection.
#[derive(Debug)]
pub struct NatsSource {
    connection: Connection,
    shard: Shard,
    link: watch::Receiver<Link>,
    inbox: Option<Inbox>,
    demand: Demand,
    received: Vec<async_nats::Message>,
    /// The start of the consumer's ack subjects, as the server last wrote it.
    ack_subject: String,
    /// The consumer's own sequence of its last delivery that we know of, which a claim needs.
    last_delivery: u64,
    memory: Memory,
    pin: Pin,
    watch: Watch,
    fault: Option<String>,
    closed: Option<Instant>,
}

impl NatsSource {
    /// A source that asks for nothing yet.
    pub fn new(connection: Connection, shard: Shard) -> Self {
        Self {
            link: connection.link(),
            ack_subject: ack_subject::consumer(&shard.stream, shard.name()),
            pin: Pin::new(&shard.consumer, Arc::clone(&shard.tenure)),
            connection,
            shard,
            inbox: None,
            demand: Demand::new(),
            received: Vec::new(),
            last_delivery: 0,
            memory: Memory::default(),
            watch: Watch::new(),
            fault: None,
            closed: None,
        }
    }

    async fn pull(&mut self, room: Room) -> Result<Arrivals, SourceError> {
        loop {
            let wake = match (self.closed, &self.fault) {
                (Some(deadline), None) if self.demand.is_open() => deadline,
                (Some(_), _) => Instant::now(),
                (None, Some(fault)) => return Err(SourceError::Interrupted(fault.clone())),
                (None, None) => {
                    self.look_out().await?;
                    self.ask(room).await?
                }
            };
            self.receive_until(wake).await;
            let arrivals = self.sort();
            if !arrivals.is_empty() {
                return Ok(arrivals);
            }
            if self.closed.is_some() && (Instant::now() >= wake || self.fault.is_some()) {
                self.discard().await;
                return Ok(arrivals);
            }
        }
    }

    /// Makes the requests that there is room for; returns when to look again if nothing arrives.
    async fn ask(&mut self, room: Room) -> Result<Instant, SourceError> {
        let largest = self.connection.client().max_payload() + PROTOCOL_LINE;
        loop {
            let now = Instant::now();
            let wake = match self.demand.wish(room, largest, now) {
                Wish::Ask(request) => {
                    self.send(request, now).await?;
                    continue;
                }
                Wish::Enough => now + SILENCE,
                Wish::At(later) => later,
            };
            return Ok(match &self.inbox {
                Some(inbox) if self.demand.is_open() => wake.min(inbox.heard + SILENCE).min(self.watch.due()),
                _ => wake,
            });
        }
    }

    async fn send(&mut self, request: Request, now: Instant) -> Result<(), SourceError> {
        let subject = self.api();
        let inbox = match &mut self.inbox {
            Some(inbox) => inbox,
            None => self.inbox.insert(Inbox::open(self.connection.client()).await?),
        };
        let call = ApiRequest::new().payload(encode(request, &self.pin)).inbox(inbox.reply());
        match bounded(self.connection.jetstream().send_request(subject, call)).await {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(unavailable(&error)),
            None => return Err(clogged()),
        }
        if !self.demand.is_open() {
            inbox.heard = now;
            self.watch.calm(now);
        }
        self.demand.asked(request, now);
        Ok(())
    }

    /// Waits for messages, for a change of the connection, or until `wake`.
    async fn receive_until(&mut self, wake: Instant) {
        let heard = self.inbox.as_ref().map_or_else(Instant::now, |inbox| inbox.heard);
        // Without an inbox, too, the connection and the right to pull can be lost.
        let receiving = async {
            match &mut self.inbox {
                Some(inbox) => inbox.receive(&mut self.received).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = receiving => {
                if self.received.is_empty() {
                    self.fault = Some("the subscription is closed".to_owned());
                }
            }
            changed = self.link.changed() => {
                self.fault = Some(match changed {
                    Ok(()) => describe(*self.link.borrow_and_update()),
                    Err(_) => "the connection is closed".to_owned(),
                });
            }
            () = self.pin.tenure().lapsed(), if self.pin.id().is_some() => {
                self.fault = Some("the right to pull has lapsed".to_owned());
            }
            () = sleep_until(wake) => {
                if self.demand.is_open() && heard + SILENCE <= wake {
                    self.fault = Some(self.explain_silence());
                }
            }
        }
    }

    /// A denied request is as silent as a broker that is away.
    fn explain_silence(&self) -> String {
        match self.connection.refusal(&format!("$JS.API.{}", self.api()), SILENCE * 2) {
            Some(refusal) => refusal.text.into(),
            None => format!("the server was silent for {} s", SILENCE.as_secs()),
        }
    }

    fn api(&self) -> String {
        format!("CONSUMER.MSG.NEXT.{}.{}", self.shard.stream, self.shard.name())
    }

    /// Sorts what was received into arrivals and the server's notices.
    fn sort(&mut self) -> Arrivals {
        let mut received = std::mem::take(&mut self.received);
        let mut arrivals = Arrivals::with_capacity(received.len());
        for mut message in received.drain(..) {
            self.pin.learn(message.headers.as_ref());
            match arrival(&self.shard.stream, self.shard.prefix, &mut message) {
                Some(arrival) => {
                    self.demand.arrived(message.length);
                    arrivals.push(arrival);
                }
                None => self.heed(&message),
            }
        }
        self.received = received;
        if let Some(last) = arrivals.last() {
            self.watch.calm(Instant::now());
            self.learn_from(&last.receipt);
        }
        arrivals
    }

    fn learn_from(&mut self, receipt: &Receipt) {
        let Some(origin) = str::from_utf8(&receipt.0).ok().and_then(AckSubject::parse) else { return };
        self.last_delivery = self.last_delivery.max(origin.delivery);
        if origin.consumer != self.ack_subject {
            origin.consumer.clone_into(&mut self.ack_subject);
        }
    }

    fn heed(&mut self, message: &async_nats::Message) {
        match Notice::read(message) {
            Some(Notice::Heartbeat) => {}
            Some(Notice::Ended(open)) => self.demand.ended(open.messages, open.bytes),
            Some(Notice::Misfit(open)) => self.demand.misfit(open.messages, open.bytes),
            Some(Notice::Broken(reason)) => self.fault = Some(reason),
            None => tracing::warn!(stream = %self.shard.stream, "ignored a message that no consumer sent"),
        }
    }

    async fn look(&mut self) -> Result<Info, SourceError> {
        let info = self.shard.ensure(&self.connection, &mut self.memory).await?;
        self.last_delivery = info.delivered.consumer_sequence;
        Ok(info)
    }

    async fn start_over(&mut self) -> Result<Info, SourceError> {
        self.discard().await;
        self.closed = None;
        if !matches!(timeout(LIMIT, self.link.wait_for(|link| link.is_up)).await, Ok(Ok(_))) {
            return Err(SourceError::Unavailable("not connected".to_owned()));
        }
        self.fault = None;
        self.look().await
    }

    async fn count_pending(&mut self) -> Result<Pending, SourceError> {
        let info = self.start_over().await?;
        if !self.pin.is_ours(&info) {
            self.pin.drop_it();
            return Err(SourceError::Interrupted(
                "the server has pinned somebody else, or nobody".to_owned(),
            ));
        }
        Ok(Pending {
            floor: info.ack_floor.stream_sequence,
            last: info.delivered.stream_sequence,
            count: u64::try_from(info.num_ack_pending).unwrap_or(u64::MAX),
        })
    }

    /// Ends all requests. What arrives in spite of it is lost, and pending at the server.
    async fn discard(&mut self) {
        if let Some(inbox) = self.inbox.take() {
            inbox.discard().await;
        }
        self.received.clear();
        self.demand = Demand::new();
    }

    async fn nak(&self, sequences: &[u64]) -> Result<(), SourceError> {
        let Some((last, others)) = sequences.split_last() else { return Ok(()) };
        let client = self.connection.client();
        let subject = |sequence| ack_subject::for_sequence(&self.ack_subject, sequence, self.last_delivery);
        for &sequence in others {
            match bounded(client.publish(subject(sequence), NAK)).await {
                Some(Ok(())) => {}
                Some(Err(error)) => return Err(unavailable(&error)),
                None => return Err(clogged()),
            }
        }
        // A consumer handles its acks one after the other, so an answer to the last confirms them all; without it the
        // next pull request could overtake them.
        match bounded(client.request(subject(*last), NAK)).await {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) if error.kind() != async_nats::RequestErrorKind::TimedOut => {
                Err(unavailable(&error))
            }
            Some(Err(_)) | None => Err(unanswered(&self.connection, &subject(*last))),
        }
    }
}

impl Source for NatsSource {
    fn acquire(&mut self) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        Box::pin(self.take())
    }

    fn evict(&mut self) -> BoxFuture<'_, Result<bool, SourceError>> {
        Box::pin(self.unpin_other())
    }

    fn release(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.discard().await;
            self.pin.give_back(&self.connection, &self.shard.stream, self.shard.name()).await;
        })
    }

    fn next(&mut self, room: Room) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        Box::pin(self.pull(room))
    }

    fn pending(&mut self) -> BoxFuture<'_, Result<Pending, SourceError>> {
        Box::pin(self.count_pending())
    }

    fn claim<'a>(&'a mut self, sequences: &'a [u64]) -> BoxFuture<'a, Result<(), SourceError>> {
        Box::pin(self.nak(sequences))
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        self.closed = Some(Instant::now() + LAST_CALL);
        Box::pin(std::future::ready(()))
    }
}

fn describe(link: Link) -> String {
    match link {
        Link { is_up: false, .. } => "the connection is lost".to_owned(),
        Link { connects, overflows, .. } => {
            format!(
                "the connection came back or dropped messages (connected {connects} times, {overflows} dropped)"
            )
        }
    }
}

fn encode(request: Request, pin: &Pin) -> Bytes {
    let mut body = json!({
        "batch": request.batch,
        "max_bytes": request.max_bytes,
        "expires": EXPIRES_NS,
        "idle_heartbeat": HEARTBEAT_NS,
    });
    for (name, value) in [("group", pin.group()), ("id", pin.id())] {
        if let Some(value) = value {
            body[name] = value.into();
        }
    }
    body.to_string().into()
}
