//! Three servers replicate everything, and some of them die, freeze or lose their lead: the work goes on, in order,
//! and nothing is lost.

mod producer;

use std::time::Duration;

use async_nats::jetstream;
use support::{Cluster, PATIENCE, Runtime, StoredMessage, eventually, eventually_some};
use tokio::time::Instant;

use self::producer::produce;
use crate::recovery::{assert_ordered_but_for_repeats, assert_state_counts_every_message_once, ids, tasks};
use crate::workload::{TOPOLOGY, Workload, stored};

/// How often an operator, or a rolling upgrade, takes the lead from all leaders.
const STEP: Duration = Duration::from_secs(2);

/// What the process may grow by while its broker is away, in bytes.
const GROWTH: u64 = 24 << 20;

const ACTOR: &str = "ack_wait = \"4s\"\nwindow = 256\nbackoff = [\"50ms\"]";

fn consumer() -> String {
    format!("{TOPOLOGY}-worker")
}

/// A cluster, a workload whose outputs tell the state that they came from, and a runtime that works on it.
async fn start() -> (Cluster, Workload, Runtime) {
    let cluster = Cluster::start().await;
    let workload = Workload::replicated(&cluster, "count", ACTOR);
    let runtime = workload.start().await;
    (cluster, workload, runtime)
}

/// Waits until all is done, and fails if any of it is lost, out of order, counted twice or dead-lettered.
async fn assert_all_done(cluster: &Cluster, workload: &Workload, count: u64) {
    let jetstream = cluster.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await >= count).await;

    let done = read_all(&jetstream, "DONE").await;
    assert_eq!(ids(&done), (0..count).collect());
    assert_eq!(done.len() as u64, count, "something was emitted twice");
    assert_state_counts_every_message_once(&done);
    assert_ordered_but_for_repeats(workload);
    assert_eq!(stored(&jetstream, &format!("{TOPOLOGY}-dead-letters")).await, 0);
}

/// What the leader has, one by one: a replica may lag behind, and a reader of its own be placed where nobody answers.
async fn read_all(jetstream: &jetstream::Context, name: &str) -> Vec<StoredMessage> {
    let stream = eventually_some(PATIENCE, async || jetstream.get_stream(name).await.ok()).await;
    let mut messages = Vec::new();
    for sequence in 1..=stream.cached_info().state.last_sequence {
        messages.push(eventually_some(PATIENCE, async || stream.get_raw_message(sequence).await.ok()).await);
    }
    messages
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_kill_9_of_the_leader_of_the_stream_and_of_the_consumer() {
    let (mut cluster, workload, mut runtime) = start().await;

    produce(&cluster, tasks(0, 1000)).await;
    let leader = cluster.leader_of_stream("TASKS").await;
    cluster.kill9(leader);
    produce(&cluster, tasks(1000, 500)).await;
    cluster.restart(leader);
    cluster.wait_until_ready().await;
    let leader = cluster.leader_of_consumer("TASKS", &consumer()).await;
    cluster.kill9(leader);
    produce(&cluster, tasks(1500, 500)).await;

    assert_all_done(&cluster, &workload, 2000).await;
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_while_all_leaders_step_down_again_and_again() {
    let (cluster, workload, mut runtime) = start().await;
    let state = format!("KV_{TOPOLOGY}-worker-state");

    let mut steps = 0;
    for round in 0..6 {
        let next = Instant::now() + STEP;
        produce(&cluster, tasks(round * 300, 300)).await;
        for stream in ["TASKS", "DONE", &state] {
            steps += u32::from(cluster.step_down_stream(stream).await);
        }
        steps += u32::from(cluster.step_down_consumer("TASKS", &consumer()).await);
        steps += u32::from(cluster.step_down_meta().await);
        tokio::time::sleep_until(next).await;
    }

    assert!(steps >= 10, "only {steps} leaders stepped down");
    assert_all_done(&cluster, &workload, 1800).await;
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_a_leader_that_freezes() {
    let cluster = Cluster::start().await;
    let workload = Workload::replicated(&cluster, "count", ACTOR);
    assert!(workload.start().await.drain(PATIENCE).await.success());
    let leader = cluster.leader_of_stream("TASKS").await;
    // The worst case: what the runtime talks to is what freezes.
    let workload = workload.env("NATS_URL", &cluster.url_of(leader));
    let mut runtime = workload.start().await;

    produce(&cluster, tasks(0, 1000)).await;
    let frozen = Instant::now();
    cluster.freeze(leader);
    produce(&cluster, tasks(1000, 500)).await;
    tokio::time::sleep_until(frozen + Duration::from_secs(10)).await;
    cluster.thaw(leader);
    produce(&cluster, tasks(1500, 100)).await;

    assert_all_done(&cluster, &workload, 1600).await;
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn survives_the_death_of_all_servers() {
    let (mut cluster, workload, mut runtime) = start().await;

    produce(&cluster, tasks(0, 2000)).await;
    assert!(workload.count("end") < 2000, "the crash came too late");
    for number in cluster.numbers() {
        cluster.kill9(number);
    }
    for number in cluster.numbers() {
        cluster.restart(number);
    }
    produce(&cluster, tasks(2000, 200)).await;

    assert_all_done(&cluster, &workload, 2200).await;
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_without_growing_while_two_of_three_servers_are_gone() {
    let (mut cluster, workload, mut runtime) = start().await;

    produce(&cluster, tasks(0, 3000)).await;
    assert!(workload.count("end") < 3000, "the crash came too late");
    cluster.kill9(0);
    cluster.kill9(1);
    let (before, gone) = (runtime.resident_memory(), Instant::now());
    while gone.elapsed() < Duration::from_secs(8) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let memory = runtime.resident_memory();
        assert!(memory < before + GROWTH, "grew from {before} to {memory}");
    }
    cluster.restart(0);
    produce(&cluster, tasks(3000, 100)).await;

    assert_all_done(&cluster, &workload, 3100).await;
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_while_the_servers_elect_their_leader() {
    let mut cluster = Cluster::start().await;
    let workload = Workload::replicated(&cluster, "count", ACTOR);
    // One alone elects nobody, so that the process certainly comes before the leader.
    cluster.kill9(0);
    cluster.kill9(1);

    let mut runtime = workload.spawn();
    runtime.wait_for_log("asking again").await;
    cluster.restart(0);
    cluster.restart(1);
    runtime.wait_for_log("ready").await;
    produce(&cluster, tasks(0, 100)).await;

    assert_all_done(&cluster, &workload, 100).await;
    assert!(runtime.drain(PATIENCE).await.success());
}
