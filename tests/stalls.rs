//! What stands still although it could go on is noticed, and goes on.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::json;
use support::{NatsServer, PATIENCE, eventually};
use tidegate_runtime::nats::GROUP;
use tokio::time::timeout;

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
async fn a_shard_that_somebody_keeps_who_is_no_instance_is_taken_from_him() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "window = 64");
    assert!(workload.start().await.drain(PATIENCE).await.success());
    publish_tasks(&server, tasks(0, 20)).await;
    let stranger = Stranger::pin(&server).await;
    let renewing = tokio::spawn(stranger.renew());

    let mut runtime = workload.start().await;
    let line = runtime.wait_for_log("took the shard").await;
    eventually(PATIENCE, async || stored(&server.jetstream().await, "DONE").await == 20).await;

    assert!(line.contains("shard=worker/0"), "{line}");
    assert_eq!(ids(&done(&server).await), (0..20).collect());
    assert_ordered(&workload.journal());
    timeout(PATIENCE, renewing).await.expect("the server refuses him").expect("he does not panic");
    assert!(runtime.drain(PATIENCE).await.success());
}

/// Pulls the consumer of the worker's shard, and is no instance.
struct Stranger {
    client: async_nats::Client,
    subject: String,
    id: String,
}

impl Stranger {
    /// Has himself pinned by the first message.
    async fn pin(server: &NatsServer) -> Self {
        let client = async_nats::connect(server.url()).await.expect("a private server takes connections");
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.TASKS.{TOPOLOGY}-worker");
        let request = json!({ "batch": 1, "group": GROUP, "expires": 5_000_000_000_u64 }).to_string();
        // What is delivered keeps its subject, so that no request of the client would know it for its answer.
        let inbox = client.new_inbox();
        let mut answers = client.subscribe(inbox.clone()).await.expect("an inbox of his own");
        client.publish_with_reply(subject.clone(), inbox, request.into()).await.expect("it is sent");
        let message = timeout(PATIENCE, answers.next()).await.expect("in time").expect("a message");
        let id = message.headers.and_then(|headers| headers.get("Nats-Pin-Id").map(ToString::to_string));
        Self { client, subject, id: id.expect("the consumer pins") }
    }

    /// Keeps the pin until the server gives it to somebody else.
    async fn renew(self) {
        let request = json!({ "batch": 1, "max_bytes": 1, "no_wait": true, "group": GROUP, "id": self.id });
        let mut beats = tokio::time::interval(Duration::from_millis(300));
        loop {
            beats.tick().await;
            let answer = self.client.request(self.subject.clone(), request.to_string().into()).await;
            if answer.expect("the server answers").status.is_some_and(|status| status.as_u16() == 423) {
                return;
            }
        }
    }
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
