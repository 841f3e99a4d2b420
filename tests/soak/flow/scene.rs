//! Three stages in a row, of which the last is the slow one.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{Context, stream};
use serde_json::json;
use support::{NatsServer, PATIENCE, Runtime, eventually, publish, read_stream};

use crate::round::fixture;

pub(super) const TOPOLOGY: &str = "tide";
pub(super) const STREAMS: [&str; 3] = ["FIRST", "SECOND", "THIRD"];
pub(super) const ACTORS: [&str; 3] = ["one", "two", "three"];

/// The marks of each stream, in messages; and what an actor has in its hands at most.
pub(super) const MARKS: (u64, u64) = (1_500, 3_000);
pub(super) const WINDOW: u64 = 512;

pub(super) const ENTITIES: u64 = 1_000;

/// What one attempt of the last stage takes; with 8 × 4 slots that is at most 1,600 messages a second.
const SLOW_MILLIS: u64 = 20;

/// How many messages the capacity is measured with.
const WARM_UP: u64 = 12_000;

/// How fast the last stage is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pace {
    Fast,
    Slow,
    Stopped,
}

/// A server, and an instance with three stages.
pub(super) struct Scene {
    pub(super) server: NatsServer,
    pub(super) runtime: Runtime,
    /// The id of the instance's process, which may be another one later.
    pub(super) process: Arc<AtomicU32>,
    pub(super) jetstream: Context,
}

impl Scene {
    /// Starts with the last stage slow; `more` goes to the topology's end.
    pub(super) async fn start(more: &str) -> Self {
        let server = NatsServer::start().await;
        let builder = Runtime::builder(fixture(), &(topology() + more)).nats(&server);
        let runtime = builder.start();
        let process = Arc::new(AtomicU32::new(runtime.process().id()));
        let scene = Self { jetstream: server.jetstream().await, server, runtime, process };
        scene.set(Pace::Slow);
        scene.runtime.wait_for_log("ready").await;
        scene
    }

    /// Sets the pace of the last stage.
    pub(super) fn set(&self, pace: Pace) {
        let text = match pace {
            Pace::Fast => "0".to_owned(),
            Pace::Slow => SLOW_MILLIS.to_string(),
            Pace::Stopped => "stop".to_owned(),
        };
        let directory = self.runtime.directory();
        fs::write(directory.join("pace.new"), text).expect("a file can be made in the directory");
        fs::rename(directory.join("pace.new"), directory.join("pace")).expect("a file can be renamed");
    }

    /// Ends the instance as a crash would, and starts it again.
    pub(super) fn crash(&mut self) {
        self.runtime.restart();
        self.process.store(self.runtime.process().id(), Ordering::Relaxed);
    }

    /// How many messages a second the last stage takes when it always has some: measured with messages put before it,
    /// of entities that nobody else uses.
    pub(super) async fn capacity(&self) -> f64 {
        let messages = (0..WARM_UP).map(|n| {
            let payload = json!({ "id": n / ENTITIES }).to_string();
            (format!("third.w{}", n % ENTITIES), PublishMessage::build().payload(payload.into()))
        });
        let publishing = publish(&self.jetstream, messages);
        let measuring = async {
            eventually(PATIENCE, async || self.stored("OUT").await > WARM_UP / 10).await;
            let (before, began) = (self.stored("OUT").await, Instant::now());
            eventually(PATIENCE, async || self.stored("OUT").await > WARM_UP * 6 / 10).await;
            per_second(self.stored("OUT").await - before, began.elapsed())
        };
        let ((), capacity) = tokio::join!(publishing, measuring);
        eventually(PATIENCE, async || self.stored("OUT").await == WARM_UP).await;
        capacity
    }

    /// Waits until so many messages of the load have come out.
    pub(super) async fn settled(&self, admitted: u64) {
        eventually(4 * PATIENCE, async || self.stored("OUT").await >= WARM_UP + admitted).await;
    }

    /// What has come out, by entity, in the order of the stream; without the warm-up.
    pub(super) async fn outcome(&self) -> BTreeMap<String, Vec<u64>> {
        let mut outcome: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for message in read_stream(&self.jetstream, "OUT").await {
            let entity = message.subject.trim_start_matches("out.").to_owned();
            if entity.starts_with('e') {
                let step: serde_json::Value =
                    serde_json::from_slice(&message.payload).expect("what a stage emits");
                outcome.entry(entity).or_default().push(step["id"].as_u64().expect("a number"));
            }
        }
        outcome
    }

    pub(super) async fn stored(&self, name: &str) -> u64 {
        self.state(name).await.messages
    }

    pub(super) async fn state(&self, name: &str) -> stream::State {
        self.jetstream.get_stream(name).await.expect("the stream exists").cached_info().state.clone()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of messages is far below 2^52")]
pub(super) fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// What is acked leaves the stages' streams, so that a stream holds what waits.
fn topology() -> String {
    let (low, high) = MARKS;
    let mut text = format!("name = \"{TOPOLOGY}\"\n\n[handlers]\npaced = {{ path = \".\" }}\n");
    for (at, stream) in STREAMS.into_iter().enumerate() {
        let (name, actor) = (stream.to_lowercase(), ACTORS[at]);
        let next = STREAMS.get(at + 1).map_or("out".to_owned(), |next| next.to_lowercase());
        let pace = if at + 1 == STREAMS.len() { "pace" } else { "no-pace" };
        let part = format!(
            r#"
[streams.{stream}]
subjects = ["{name}.{{entity}}"]
retention = "interest"
max_messages = 100_000
max_bytes = "1GiB"
flow = {{ high = {{ messages = {high} }}, low = {{ messages = {low} }} }}

[actors.{actor}]
handler = "paced"
stream = "{stream}"
subjects = ["{name}.{{entity}}"]
emits = {{ step = "{next}.{{entity}}" }}
partitions = 8
concurrency = 4
window = {WINDOW}
timeout = "2m"
settings = {{ pace = "{pace}" }}
"#
        );
        text.push_str(&part);
    }
    text + "\n[streams.OUT]\nsubjects = [\"out.{entity}\"]\nmax_bytes = \"4GiB\"\nmax_age = \"1d\"\n"
}
