//! Actors are paused, resumed and drained from the command line, and pause by themselves at their dead-letter limits.

use std::fs;

use serde_json::Value;
use support::{NatsServer, PATIENCE, Runtime, RuntimeBuilder, eventually};

use crate::cli::command;
use crate::workload::{
    TOPOLOGY, Workload, assert_ordered, backlog, dead_letters, emitting, publish_tasks, stored,
};

/// What `tidegate actors list` says of the worker.
async fn control(builder: &RuntimeBuilder) -> Value {
    command(builder, "actors list --format json").await.json()[0].clone()
}

async fn say(builder: &RuntimeBuilder, words: &str) {
    let ended = command(builder, words).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

async fn publish(server: &NatsServer, ids: std::ops::Range<u64>, takes: u64) {
    publish_tasks(server, ids.map(|id| (format!("e{}", id % 20), emitting(id, takes)))).await;
}

/// Waits until no attempt runs, and tells how many there were.
async fn attempts_ended(workload: &Workload) -> usize {
    let ended = || workload.count("end") + workload.count("fail");
    eventually(PATIENCE, async || workload.count("start") == ended()).await;
    workload.count("start")
}

/// Waits until these instances have all shards.
async fn shared_by(builder: &RuntimeBuilder, instances: usize) {
    eventually(PATIENCE, async || {
        let status = command(builder, "status --format json").await.json();
        let shards = status["shards"].as_array().cloned().unwrap_or_default();
        let owners: std::collections::BTreeSet<_> = shards
            .iter()
            .filter(|shard| shard["owner"]["state"] == "working" && shard["owner"]["is_silent"] == false)
            .map(|shard| shard["owner"]["instance"].to_string())
            .collect();
        owners.len() == instances && shards.iter().all(|shard| shard["owner"]["state"] == "working")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_in_all_instances_and_survives_their_restart() {
    let server = NatsServer::start().await;
    let workload = Workload::sharded(&server, "script", "partitions = 4");
    let (mut one, mut other) = (workload.start().await, workload.start().await);
    publish(&server, 0..2000, 10).await;
    shared_by(workload.builder(), 2).await;
    eventually(PATIENCE, async || workload.count("end") > 100).await;

    say(workload.builder(), "actors pause worker --why testing").await;
    for instance in [&one, &other] {
        instance.wait_for_log("actor paused").await;
    }
    let before = attempts_ended(&workload).await;
    assert!(one.drain(PATIENCE).await.success() && other.drain(PATIENCE).await.success());
    let mut heir = workload.start().await;
    shared_by(workload.builder(), 1).await;
    let paused = control(workload.builder()).await;
    let status = command(workload.builder(), "status").await.stdout;

    assert!(before < 2000, "it was too late to pause");
    assert_eq!(workload.count("start"), before, "somebody began an attempt");
    assert_eq!((&paused["state"], &paused["why"]), (&"paused".into(), &"testing".into()));
    assert!(status.contains("actor `worker` is paused"), "{status}");
    say(workload.builder(), "actors resume worker").await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 2000).await;
    assert_ordered(&workload.journal());
    assert_eq!(workload.count("start"), 2000, "a pause costs no attempt");
    assert!(heir.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_when_nothing_is_in_hand_and_what_waits_stays() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "partitions = 4");
    let mut runtime = workload.start().await;
    publish(&server, 0..2000, 20).await;
    eventually(PATIENCE, async || workload.count("end") > 10).await;

    say(workload.builder(), "actors drain worker --wait").await;

    let (waiting, in_hand) = backlog(&server.jetstream().await).await;
    assert_eq!(in_hand, 0);
    assert!(waiting > 0, "it was too late to drain");
    say(workload.builder(), "actors resume worker").await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 2000).await;
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_can_be_given_while_nothing_runs_and_only_to_actors_that_there_are() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "");

    say(workload.builder(), "actors pause worker").await;
    let paused = control(workload.builder()).await;
    let unknown = command(workload.builder(), "actors pause wroker").await;

    assert_eq!(paused["state"], "paused");
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(unknown.stderr.contains("`worker`"), "{unknown:?}");
}

const LIMITED: &str = "partitions = 4\nmax_deliver = 2\nbackoff = [\"10ms\"]\n\
    [actors.worker.dead_letter_limits]\nconsecutive = 10\n[actors.worker.alerts]\ndead_letters = 5\nfor = \"100ms\"";

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_deploy_does_not_drain_the_stream_and_a_good_one_goes_on_in_order() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", LIMITED);
    let broken = workload.builder().directory().join("broken");
    fs::write(&broken, "").expect("the directory can be written");
    let mut bad: Runtime = workload.start().await;

    publish(&server, 0..300, 0).await;
    bad.wait_for_log("dead-letter limit reached").await;
    bad.wait_for_log("dead letter queue overflow: 9 failed events").await;
    eventually(PATIENCE, async || control(workload.builder()).await["state"] == "probing").await;
    let dead = dead_letters(&server).await.len();
    bad.kill9();
    fs::remove_file(&broken).expect("it is there");
    let mut good = workload.start().await;
    eventually(PATIENCE, async || control(workload.builder()).await["state"] == "working").await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 300 - 9).await;

    assert_eq!(dead, 9, "the tenth waits");
    assert_eq!(stored(&jetstream, &format!("{TOPOLOGY}-dead-letters")).await, 9);
    assert_ordered(&workload.journal());
    assert!(good.drain(PATIENCE).await.success());
}
