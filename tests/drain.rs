//! A stop costs nothing: what runs is finished, what waits is handed back, nothing is done twice.

use std::time::Duration;

use support::{NatsServer, PATIENCE, Signal, eventually};

use crate::workload::{Workload, assert_ordered, emitting, publish_tasks, stored};

#[tokio::test(flavor = "multi_thread")]
async fn drain_under_load_repeats_nothing() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "partitions = 4");
    let mut runtime = workload.start().await;

    publish_tasks(&server, (0..4000_u64).map(|id| (format!("e{}", id % 64), emitting(id, 3)))).await;
    for round in 1..=3 {
        eventually(PATIENCE, async || workload.count("end") > round * 600).await;
        assert!(runtime.drain(PATIENCE).await.success());
        assert!(workload.count("end") < 4000, "the drain came too late");
        runtime = workload.start().await;
    }
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await >= 4000).await;

    assert_ordered(&workload.journal());
    assert_eq!(workload.count("start"), 4000);
    assert_eq!(workload.count("end"), 4000);
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn drains_do_not_use_up_the_tries_of_a_healthy_message() {
    let server = NatsServer::start().await;
    let actor = "partitions = 1\nconcurrency = 1\nmax_deliver = 1\nhandovers = 9";
    let workload = Workload::new(&server, "script", actor);

    publish_after_start(&server, &workload).await;
    for _ in 0..4 {
        let mut runtime = workload.start().await;
        let before = workload.count("start");
        eventually(PATIENCE, async || workload.count("start") > before).await;
        assert!(runtime.drain(PATIENCE).await.success());
    }
    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 10).await;

    assert_eq!(workload.count("end"), 10);
    assert!(runtime.drain(PATIENCE).await.success());
}

/// Ten messages that take long enough for a drain to come in between.
async fn publish_after_start(server: &NatsServer, workload: &Workload) {
    let mut runtime = workload.start().await;
    publish_tasks(server, (0..10_u64).map(|id| (format!("e{id}"), emitting(id, 300)))).await;
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_process_at_once() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "timeout = \"60s\"");
    let mut runtime = workload.start().await;

    publish_tasks(&server, [("a".to_owned(), emitting(1, 50_000))]).await;
    eventually(PATIENCE, async || workload.count("start") == 1).await;
    runtime.signal(Signal::SIGTERM);
    runtime.wait_for_log("draining").await;
    runtime.signal(Signal::SIGTERM);

    assert!(!runtime.wait_exit(Duration::from_secs(3)).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_when_its_time_is_up_even_without_a_broker() {
    let server = NatsServer::start().await;
    let workload = Workload::with(&server, "script", "timeout = \"60s\"", "drain_timeout = \"2s\"");
    let mut runtime = workload.start().await;

    publish_tasks(&server, [("a".to_owned(), emitting(1, 50_000))]).await;
    eventually(PATIENCE, async || workload.count("start") == 1).await;
    drop(server);
    runtime.signal(Signal::SIGTERM);

    assert!(!runtime.wait_exit(Duration::from_secs(10)).await.success());
}
