//! When producers are faster: intake stops stage by stage, nothing deadlocks, nothing is lost, and it is told.

mod chain;
mod circles;
mod hard_stop;
mod measured;
mod publishing;
mod told;
mod trouble;

use std::fmt::Write as _;
use std::time::Duration;

use async_nats::jetstream;
use serde_json::json;
use support::{NatsServer, PATIENCE, Runtime, RuntimeBuilder, eventually_some, publish_json};
use tidegate_runtime::message::Flow;

use crate::workload::{TOPOLOGY, stored};

/// How long a chain may take to get through what a test gives it, on a busy machine.
const LONG: Duration = Duration::from_secs(90);

/// A topology of `paced` stages. Each reads one stream and emits into another; streams are work queues, so what is done
/// leaves room.
struct Chain {
    builder: RuntimeBuilder,
    jetstream: jetstream::Context,
}

/// A stage: its name, what it reads, and what it emits to.
type Stage<'a> = (&'a str, &'a str, Option<&'a str>);

/// A stream: its name in small letters, which its subjects start with, and its high mark.
type Marked<'a> = (&'a str, u64);

/// How many messages a stage has in flight.
const WINDOW: u64 = 64;

impl Chain {
    async fn new(server: &NatsServer, streams: &[Marked<'_>], stages: &[Stage<'_>]) -> Self {
        let builder = Runtime::builder(env!("CARGO_BIN_EXE_tidegate-fixture"), &topology(streams, stages));
        let builder = builder.nats(server).env("RUST_LOG", "info,tidegate_runtime=debug");
        Self { builder, jetstream: server.jetstream().await }
    }

    async fn start(&self) -> Runtime {
        self.start_as("one").await
    }

    async fn start_as(&self, instance: &str) -> Runtime {
        let runtime = self.builder.clone().env("TIDEGATE_INSTANCE", instance).start();
        runtime.wait_for_log("ready").await;
        runtime
    }

    /// Milliseconds that a message takes at this stage from here on, or `stop`.
    fn pace(&self, stage: &str, pace: &str) {
        let (path, next) = (self.builder.directory().join(stage), self.builder.directory().join("next"));
        std::fs::write(&next, pace).expect("a file can be written");
        std::fs::rename(next, path).expect("a file can be renamed");
    }

    async fn publish(&self, prefix: &str, ids: std::ops::Range<u64>) {
        publish_json(&self.jetstream, ids.map(|id| (format!("{prefix}.{id}"), json!({ "id": id })))).await;
    }

    /// What stream `name` stores, all of it not done.
    async fn depth(&self, name: &str) -> u64 {
        stored(&self.jetstream, name).await
    }

    /// What is announced of a stream, once it is so.
    async fn flow(&self, stream: &str, mut is_so: impl FnMut(&Flow) -> bool) -> Flow {
        eventually_some(PATIENCE * 2, async || self.announced(stream).await.filter(|flow| is_so(flow))).await
    }

    async fn announced(&self, stream: &str) -> Option<Flow> {
        let bucket = self.jetstream.get_key_value(format!("{TOPOLOGY}-flow")).await.ok()?;
        serde_json::from_slice(&bucket.get(stream).await.ok()??).ok()
    }
}

fn topology(streams: &[Marked<'_>], stages: &[Stage<'_>]) -> String {
    let mut text = format!("name = \"{TOPOLOGY}\"\n[handlers]\npaced = {{ path = \".\" }}\n");
    for (name, high) in streams {
        let upper = name.to_uppercase();
        write!(
            text,
            "[streams.{upper}]\nsubjects = [\"{name}.{{id}}\", \"{name}.again.{{id}}\"]\nretention = \"workqueue\"\n\
             max_messages = 5000\nflow = {{ high = {{ messages = {high} }} }}\n"
        )
        .expect("a string can be written to");
    }
    text += "[streams.END]\nsubjects = [\"end.{id}\"]\nmax_messages = 1000000\n";
    for (name, from, to) in stages {
        let upper = from.split('.').next().unwrap_or(from).to_uppercase();
        write!(
            text,
            "[actors.{name}]\nhandler = \"paced\"\nstream = \"{upper}\"\nsubjects = [\"{from}.{{id}}\"]\n\
             emits = {{ step = \"{}.{{id}}\" }}\npartitions = 4\nmailbox = 8\nconcurrency = 4\nwindow = {WINDOW}\n\
             timeout = \"5m\"\nsettings = {{ pace = \"{name}\" }}\n",
            to.unwrap_or("end")
        )
        .expect("a string can be written to");
    }
    text
}
