//! A topology of the fixture's handlers, the messages that tell them what to do, and what they did.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use async_nats::jetstream;
use serde::Deserialize;
use serde_json::{Value, json};
use support::{
    Cluster, NatsServer, PATIENCE, Runtime, RuntimeBuilder, StoredMessage, publish_json, read_stream,
};

/// The name of the topology, and so the prefix of its streams and consumers.
pub(crate) const TOPOLOGY: &str = "fixture";

/// One line of the journal.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Line {
    pub(crate) event: String,
    pub(crate) key: String,
    pub(crate) sequence: u64,
    pub(crate) attempt: u32,
    pub(crate) process: u32,
}

/// One actor `worker` on the stream `TASKS`, whose emits go to the stream `DONE`.
pub(crate) struct Workload {
    builder: RuntimeBuilder,
    journal: PathBuf,
}

impl Workload {
    /// `handler` is `script` or `count`; `actor` is more lines for `[actors.worker]`, and for the tables after it.
    pub(crate) fn new(server: &NatsServer, handler: &str, actor: &str) -> Self {
        Self::with(server, handler, actor, "")
    }

    /// `top` is more lines before the first table.
    pub(crate) fn with(server: &NatsServer, handler: &str, actor: &str, top: &str) -> Self {
        Self::of(&topology(handler, actor, top, 1), &server.url())
    }

    /// As [`new`](Self::new), with everything replicated to all servers of the cluster.
    pub(crate) fn replicated(cluster: &Cluster, handler: &str, actor: &str) -> Self {
        let actor = format!("{actor}\n[dead_letters]\nreplicas = 3");
        Self::of(&topology(handler, &actor, "", 3), &cluster.url())
    }

    /// As [`new`](Self::new), with two shards.
    pub(crate) fn sharded(server: &NatsServer, handler: &str, actor: &str) -> Self {
        let topology =
            topology(handler, actor, "", 1).replace("[streams.TASKS]", "[streams.TASKS]\nshards = 2");
        Self::of(&topology, &server.url())
    }

    /// What its processes are started with.
    pub(crate) fn builder(&self) -> &RuntimeBuilder {
        &self.builder
    }

    fn of(topology: &str, url: &str) -> Self {
        let builder = Runtime::builder(env!("CARGO_BIN_EXE_tidegate-fixture"), topology)
            .env("NATS_URL", url)
            .env("RUST_LOG", "info,tidegate_runtime=debug");
        let journal = builder.directory().join("journal");
        Self { builder, journal }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.env(name, value);
        self
    }

    /// Starts a process and waits until it works.
    pub(crate) async fn start(&self) -> Runtime {
        let runtime = self.spawn();
        runtime.wait_for_log("ready").await;
        runtime
    }

    /// Creates what the topology declares and publishes tasks, while nobody works on them.
    pub(crate) async fn with_backlog(
        self,
        server: &NatsServer,
        tasks: impl IntoIterator<Item = (String, Value)>,
    ) -> Self {
        assert!(self.start().await.drain(PATIENCE).await.success());
        publish_tasks(server, tasks).await;
        self
    }

    /// Starts a process.
    pub(crate) fn spawn(&self) -> Runtime {
        self.builder.clone().start()
    }

    /// What the handlers did, in the order in which they wrote it down.
    pub(crate) fn journal(&self) -> Vec<Line> {
        let text = std::fs::read_to_string(&self.journal).unwrap_or_default();
        // Of the last line only a part may be there: it is being written, or its writer was killed.
        let complete = text.rfind('\n').map_or("", |end| &text[..=end]);
        complete.lines().map(|line| serde_json::from_str(line).expect("a line of the journal")).collect()
    }

    /// How often the handlers wrote `event`.
    pub(crate) fn count(&self, event: &str) -> usize {
        self.journal().iter().filter(|line| line.event == event).count()
    }
}

fn topology(handler: &str, actor: &str, top: &str, replicas: u8) -> String {
    let mut text = String::new();
    write!(
        text,
        r#"
name = "{TOPOLOGY}"
{top}

[handlers]
{handler} = {{ path = "." }}

[streams.TASKS]
subjects = ["tasks.{{entity}}"]
max_bytes = "1GiB"
replicas = {replicas}

[streams.DONE]
subjects = ["done.{{entity}}"]
max_bytes = "1GiB"
replicas = {replicas}

[actors.worker]
handler = "{handler}"
stream = "TASKS"
subjects = ["tasks.{{entity}}"]
emits = {{ done = "done.{{entity}}" }}
settings = {{ journal = "journal" }}
{actor}
"#
    )
    .expect("a string can be written to");
    text
}

/// Publishes tasks; each is the entity and what its handler is to do.
pub(crate) async fn publish_tasks(server: &NatsServer, tasks: impl IntoIterator<Item = (String, Value)>) {
    let jetstream = server.jetstream().await;
    publish_json(&jetstream, tasks.into_iter().map(|(entity, task)| (format!("tasks.{entity}"), task))).await;
}

pub(crate) async fn done(server: &NatsServer) -> Vec<StoredMessage> {
    read_stream(&server.jetstream().await, "DONE").await
}

pub(crate) async fn dead_letters(server: &NatsServer) -> Vec<StoredMessage> {
    read_stream(&server.jetstream().await, &format!("{TOPOLOGY}-dead-letters")).await
}

/// How many messages a stream holds.
pub(crate) async fn stored(jetstream: &jetstream::Context, stream: &str) -> u64 {
    match jetstream.get_stream(stream).await {
        Ok(stream) => stream.cached_info().state.messages,
        Err(_) => 0,
    }
}

/// The consumer's count of messages that are neither done nor in flight, and of those in flight.
pub(crate) async fn backlog(jetstream: &jetstream::Context) -> (u64, usize) {
    let stream = jetstream.get_stream("TASKS").await.expect("the stream exists");
    let info = stream.consumer_info(format!("{TOPOLOGY}-worker")).await.expect("the consumer exists");
    (info.num_pending, info.num_ack_pending)
}

/// Fails when an attempt started before an earlier message of its entity had ended, or beside another attempt.
pub(crate) fn assert_ordered(journal: &[Line]) {
    let mut by_key: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in journal {
        by_key.entry(&line.key).or_default().push(line);
    }
    for (key, lines) in by_key {
        let mut highest = 0;
        let mut running: Option<&Line> = None;
        for line in lines {
            if line.event == "start" {
                assert!(line.sequence >= highest, "{key}: {} started after {highest}", line.sequence);
                let same_process = running.filter(|running| running.process == line.process);
                assert!(same_process.is_none(), "{key}: {line:?} started beside {running:?}");
                highest = line.sequence;
                running = Some(line);
            } else {
                running = None;
            }
        }
    }
}

/// A task that takes `takes` milliseconds and leaves an emit behind.
pub(crate) fn emitting(id: u64, takes: u64) -> Value {
    json!({ "id": id, "takes": takes, "emits": true })
}
