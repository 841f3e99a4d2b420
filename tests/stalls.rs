//! What stands still although it could go on is noticed, and goes on.

use std::time::Duration;

use serde_json::json;
use support::{NatsServer, PATIENCE, eventually};

use crate::recovery::{ids, tasks};
use crate::workload::{TOPOLOGY, Workload, assert_ordered, done, publish_tasks, stored};

/// Beyond the half minute after which a partition counts as stalled.
const STALL: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_forgets_its_messages_is_restarted_and_does_them() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "window = 64").env("TIDEGATE_PLANT", "lost_wake_up");
    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;

    publish_tasks(&server, tasks(0, 500)).await;
    eventually(STALL, async || stored(&jetstream, "DONE").await == 500).await;

    assert_eq!(runtime.count_log("partition stalled"), 1);
    assert_eq!(ids(&done(&server).await), (0..500).collect());
    assert_ordered(&workload.journal());
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_somebody_edits_is_reported_and_left_alone() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "window = 64");
    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;
    let name = format!("{TOPOLOGY}-worker");
    publish_tasks(&server, tasks(0, 10)).await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 10).await;

    let stream = jetstream.get_stream("TASKS").await.expect("the stream exists");
    let mut config = stream.consumer_info(&name).await.expect("the consumer exists").config;
    config.filter_subject = "tasks.e7".to_owned();
    config.filter_subjects.clear();
    let request = json!({ "stream_name": "TASKS", "config": config, "action": "update" });
    let edit = format!("CONSUMER.CREATE.TASKS.{name}");
    let answer: serde_json::Value = jetstream.request(edit, &request).await.expect("the server answers");
    assert!(answer["error"].is_null(), "{answer}");
    let line = runtime.wait_for_log("the topology needs `tasks.*`").await;
    let left = stream.consumer_info(&name).await.expect("the consumer exists").config;

    assert!(line.contains("somebody has edited the consumer"), "{line}");
    assert!(line.contains("`TASKS`: subjects is `tasks.e7`"), "{line}");
    assert_eq!(runtime.count_log("somebody has edited"), 1);
    assert_eq!(left.filter_subject, "tasks.e7");
    assert!(runtime.drain(PATIENCE).await.success());
}
