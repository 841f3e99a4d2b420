//! Keeps what is known of the flow up to date, and the gates with it.
//!
//! An entry of a key-value bucket is a message on `$KV.{bucket}.{key}` (ADR-8), which a plain subscription hears as
//! well as the bucket does. So there is no consumer that could be deleted or fall asleep; the client subscribes again
//! after each interruption. What was missed is read, in one request, as soon as a sign of life is overdue.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, Message, Subscriber};
use futures_util::StreamExt;
use futures_util::future::OptionFuture;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tracing::{debug, info};

use super::board::Board;
use super::{Flow, FlowState, bucket, holds_back, read};
use crate::gates::Gates;

/// How often turns are given while a gate is closed.
const TICK: Duration = Duration::from_millis(10);
/// How often everything else is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How long a read may take, and the least time between two.
const READ: Duration = Duration::from_secs(2);
/// How often the bucket is read although nothing seems to be missing.
const READ_ANYWAY: Duration = Duration::from_secs(30);

/// The task that keeps the gates; ends when dropped.
#[derive(Debug)]
pub(crate) struct Keeper(JoinHandle<()>);

impl Keeper {
    /// Starts to watch the flow of `topology`, and waits a moment for the first look at it.
    pub(crate) async fn start(client: Client, topology: &str, gates: Arc<Gates>) -> Self {
        let (looked, first_look) = oneshot::channel();
        let watch = Watch { client, bucket: bucket(topology), board: Board::default(), gates };
        let keeper = Self(tokio::spawn(watch.run(looked)));
        // Without an answer in time the streams are open until there is one.
        drop(timeout(READ, first_look).await);
        keeper
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Watch {
    client: Client,
    bucket: String,
    board: Board,
    gates: Arc<Gates>,
}

impl Watch {
    /// Every branch of the `select!` is cancel safe: the read is kept across its turns.
    async fn run(mut self, looked: oneshot::Sender<()>) {
        let mut looked = Some(looked);
        let Some(mut entries) = self.subscribe().await else { return };
        let (mut tick, mut look) = (interval(TICK), interval(LOOK));
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        look.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut reading =
            OptionFuture::from(Some(Box::pin(read::all(self.client.clone(), self.bucket.clone()))));
        let mut last_read = Instant::now();
        loop {
            tokio::select! {
                biased;
                entry = entries.next() => match entry {
                    Some(entry) => self.hear(&entry),
                    // The client was closed, and nothing will ever be heard again.
                    None => return self.gates.open_all(),
                },
                Some(read) = &mut reading => {
                    reading = None.into();
                    self.take(read);
                    looked.take();
                }
                _ = tick.tick(), if !self.gates.are_open() => self.gates.tick(Instant::now()),
                _ = look.tick() => {
                    let now = Instant::now();
                    self.look(now);
                    let age = now.duration_since(last_read);
                    if age >= READ_ANYWAY || (age >= READ && self.board.is_waiting(now)) {
                        last_read = now;
                        let (client, bucket) = (self.client.clone(), self.bucket.clone());
                        reading = Some(Box::pin(read::all(client, bucket))).into();
                    }
                }
            }
        }
    }

    async fn subscribe(&self) -> Option<Subscriber> {
        self.client.subscribe(format!("$KV.{}.>", self.bucket)).await.ok()
    }

    fn look(&mut self, now: Instant) {
        for stream in self.board.expire(now) {
            self.apply(&stream, None);
        }
        self.gates.measure(now);
    }

    fn hear(&mut self, message: &Message) {
        let key = message.subject.rsplit('.').next().unwrap_or_default();
        if read::is_deletion(message) {
            self.board.forget(key);
            return self.apply(key, None);
        }
        let Some(flow) = read::decode(message) else { return };
        let (stream, news) = (flow.stream.clone(), self.board.hear(flow, Instant::now()));
        if news.is_some() {
            self.apply(&stream, news);
        }
    }

    fn take(&mut self, read: Option<Vec<Flow>>) {
        let now = Instant::now();
        for flow in read.into_iter().flatten() {
            let (stream, news) = (flow.stream.clone(), self.board.read(flow, now));
            if news.is_some() {
                self.apply(&stream, news);
            }
        }
    }

    fn apply(&self, stream: &str, flow: Option<Arc<Flow>>) {
        let before = self.gates.of(stream).and_then(|gate| gate.flow());
        let state = |flow: &Option<Arc<Flow>>| flow.as_ref().map_or(FlowState::Open, |flow| flow.state);
        match (&flow, state(&before) == state(&flow)) {
            (_, true) => {}
            (Some(flow), false) if holds_back(flow) => {
                info!(stream, state = flow.state.as_str(), reason = flow.reason(), "publishing is held back");
            }
            (Some(_), false) => info!(stream, "publishing goes on"),
            (None, false) if before.is_some_and(|before| holds_back(&before)) => {
                info!(stream, "publishing goes on: nothing is heard of the stream's flow any more");
            }
            (None, false) => debug!(stream, "nothing is heard of the stream's flow any more"),
        }
        self.gates.set(stream, flow);
    }
}
