//! Brokers, consumers and partitions die; the work goes on, in order, and nothing is lost.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use support::{NatsServer, PATIENCE, StoredMessage, eventually};

use crate::workload::{
    TOPOLOGY, Workload, assert_ordered, dead_letters, done, emitting, publish_tasks, stored,
};

pub(crate) fn tasks(from: u64, count: u64) -> impl Iterator<Item = (String, serde_json::Value)> {
    (from..from + count).map(|id| (format!("e{}", id % 50), emitting(id, 2)))
}

pub(crate) fn ids(messages: &[StoredMessage]) -> BTreeSet<u64> {
    let id = |message: &StoredMessage| {
        serde_json::from_slice::<serde_json::Value>(&message.payload).ok()?["id"].as_u64()
    };
    messages.iter().map(|message| id(message).expect("an id")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_kill_9_of_the_broker() {
    let mut server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "ack_wait = \"2s\"\nwindow = 256");
    let mut runtime = workload.start().await;

    publish_tasks(&server, tasks(0, 3000)).await;
    eventually(PATIENCE, async || workload.count("end") > 500).await;
    server.kill9();
    server.restart().await;
    publish_tasks(&server, tasks(3000, 1000)).await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await >= 4000).await;

    assert_eq!(ids(&done(&server).await), (0..4000).collect());
    assert_ordered_but_for_repeats(&workload);
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_kill_9_of_itself_in_order() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "ack_wait = \"20s\"\nwindow = 256");
    let mut runtime = workload.start().await;

    publish_tasks(&server, tasks(0, 3000)).await;
    eventually(PATIENCE, async || workload.count("end") > 500).await;
    runtime.kill9();
    let before = workload.count("end");
    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;
    // Well within `ack_wait`: what the dead process held is claimed back, not waited for.
    eventually(Duration::from_secs(15), async || stored(&jetstream, "DONE").await >= 3000).await;

    assert!(before < 3000, "the crash came too late");
    assert_eq!(ids(&done(&server).await), (0..3000).collect());
    assert_ordered_but_for_repeats(&workload);
    let repeats = workload.count("end") - 3000;
    assert!(repeats <= 256, "{repeats} repeats");
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn creates_a_deleted_consumer_again_where_it_stood() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "window = 64");
    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;

    publish_tasks(&server, tasks(0, 2000)).await;
    eventually(PATIENCE, async || workload.count("end") > 500).await;
    let stream = jetstream.get_stream("TASKS").await.expect("the stream exists");
    stream.delete_consumer(&format!("{TOPOLOGY}-worker")).await.expect("the consumer is deleted");
    publish_tasks(&server, tasks(2000, 100)).await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 2100).await;

    assert_eq!(ids(&done(&server).await), (0..2100).collect());
    assert_ordered(&workload.journal());
    assert_eq!(workload.count("end"), 2100, "something was done twice");
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_created_again_is_read_from_its_first_message() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "count", "ack_wait = \"2s\"");
    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;

    publish_tasks(&server, tasks(0, 500)).await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 500).await;
    let config = jetstream.get_stream("TASKS").await.expect("the stream exists").cached_info().config.clone();
    jetstream.delete_stream("TASKS").await.expect("the stream is deleted");
    jetstream.create_stream(config).await.expect("the stream is created");
    publish_tasks(&server, tasks(500, 300)).await;
    eventually(PATIENCE, async || workload.count("end") == 800).await;

    assert!(runtime.drain(PATIENCE).await.success());
    let mut runtime = workload.start().await;
    publish_tasks(&server, tasks(800, 1)).await;
    eventually(PATIENCE, async || workload.count("end") == 801).await;
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_killed_under_load_loses_nothing_and_keeps_order() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "count", "partitions = 2\nbackoff = [\"20ms\"]");
    let mut runtime = workload.start().await;

    let killers = |id: u64| u8::from(id % 400 == 200);
    let tasks = (0..1200_u64).map(|id| {
        let task = json!({ "id": id, "fails": killers(id), "how": "unspeakable", "takes": 1, "emits": true });
        (format!("e{}", id % 20), task)
    });
    publish_tasks(&server, tasks).await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await >= 1200).await;

    assert_eq!(runtime.count_log("partition restarted"), 3);
    assert_eq!(ids(&done(&server).await), (0..1200).collect());
    assert!(dead_letters(&server).await.is_empty());
    assert_state_counts_every_message_once(&done(&server).await);
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn panics_of_all_kinds_cost_an_attempt_and_nothing_else() {
    let server = NatsServer::start().await;
    let workload =
        Workload::new(&server, "script", "partitions = 1\nbackoff = [\"10ms\"]\ntimeout = \"300ms\"");
    let mut runtime = workload.start().await;

    let kinds = ["panic_text", "panic_formatted", "panic_other", "hang", "error"];
    let tasks = kinds
        .iter()
        .zip(0..)
        .map(|(how, id)| (format!("e{id}"), json!({ "id": id, "fails": 1, "how": how, "emits": true })));
    publish_tasks(&server, tasks).await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 5).await;

    let attempts: Vec<u32> =
        workload.journal().iter().filter(|line| line.event == "end").map(|line| line.attempt).collect();
    assert_eq!(attempts, [2; 5]);
    assert_eq!(runtime.count_log("partition restarted"), 0);
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn state_survives_crashes_and_is_not_applied_twice() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "count", "ack_wait = \"2s\"\nwindow = 128");
    let mut runtime = workload.start().await;

    publish_tasks(&server, tasks(0, 1500)).await;
    for round in 1..=3 {
        eventually(PATIENCE, async || workload.count("end") > round * 300).await;
        runtime.kill9();
        runtime = workload.start().await;
    }
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await >= 1500).await;

    assert_state_counts_every_message_once(&done(&server).await);
    assert_eq!(ids(&done(&server).await).len(), 1500);
    assert!(runtime.drain(PATIENCE).await.success());
}

/// The counters of an entity's outputs go up by one, whatever happened in between.
pub(crate) fn assert_state_counts_every_message_once(messages: &[StoredMessage]) {
    let mut counts = std::collections::BTreeMap::<String, u64>::new();
    for message in messages {
        let done: serde_json::Value = serde_json::from_slice(&message.payload).expect("JSON");
        let count = counts.entry(done["key"].as_str().expect("a key").to_owned()).or_default();
        *count += 1;
        assert_eq!(done["count"].as_u64(), Some(*count), "{done}");
    }
}

/// A crash may repeat what was done and not acked, but the first runs of an entity's messages are in order.
pub(crate) fn assert_ordered_but_for_repeats(workload: &Workload) {
    let mut seen = BTreeSet::new();
    let mut journal = workload.journal();
    journal.retain(|line| line.event != "start" || seen.insert(line.sequence));
    journal.retain(|line| line.event == "start");
    for line in &mut journal {
        line.process = 0;
    }
    let mut highest = std::collections::BTreeMap::new();
    for line in &journal {
        let before = highest.insert(&line.key, line.sequence).unwrap_or_default();
        assert!(line.sequence > before, "{line:?} started after {before}");
    }
}
