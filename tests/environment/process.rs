//! The process is to end while its broker hangs, may not do what it must, or runs out of stack.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use serde_json::json;
use support::{NatsServer, PATIENCE, Signal, eventually};

use crate::workload::{Workload, backlog, dead_letters, emitting, publish_tasks, stored};

#[tokio::test(flavor = "multi_thread")]
async fn ends_by_its_deadline_while_the_broker_hangs() {
    let server = NatsServer::start().await;
    let workload = Workload::with(&server, "script", "", "drain_timeout = \"2s\"");
    let mut runtime = workload.start().await;

    publish_tasks(&server, (0..20_u64).map(|id| (format!("e{id}"), emitting(id, 200)))).await;
    eventually(PATIENCE, async || workload.count("start") > 0).await;
    server.freeze();
    runtime.signal(Signal::SIGTERM);
    runtime.wait_exit(Duration::from_secs(6)).await;
    server.thaw();

    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 20).await;
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_overflow_costs_the_process_and_no_other_message() {
    let server = NatsServer::start().await;
    let actor = "max_deliver = 1\nhandovers = 1\nack_wait = \"1s\"";
    let workload = Workload::new(&server, "script", actor);
    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;

    let bad = [("bad".to_owned(), json!({ "id": 1, "fails": 99, "how": "recurse", "emits": true }))];
    publish_tasks(&server, bad).await;
    let ended = runtime.wait_exit(PATIENCE).await;
    publish_tasks(&server, [("well".to_owned(), emitting(2, 0))]).await;
    while dead_letters(&server).await.is_empty() || stored(&jetstream, "DONE").await == 0 {
        if !runtime.is_running() {
            runtime.restart();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    assert_eq!(ended.signal(), Some(Signal::SIGABRT as i32), "{ended:?}");
    // The other one may be repeated: its ack can die with the process.
    let journal = workload.journal();
    let tries = journal.iter().filter(|line| line.event == "start" && line.key == "bad").count();
    assert!(tries <= 2, "{journal:#?}");
    assert_eq!(dead_letters(&server).await.len(), 1);
    assert_eq!(stored(&jetstream, "DONE").await, 1);
}

fn denying(subject: &str) -> String {
    format!(
        r#"
authorization {{ users = [
    {{ user: app, password: app, permissions: {{ publish: {{ deny: ["{subject}"] }} }} }}
    {{ user: admin, password: admin }}
] }}
no_auth_user: admin
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_pull_is_named_and_work_begins_when_it_is_allowed() {
    let server = NatsServer::with_config(&denying("$JS.API.CONSUMER.MSG.NEXT.TASKS.>")).await;
    let workload = Workload::new(&server, "script", "").env("NATS_USER", "app").env("NATS_PASSWORD", "app");
    let mut runtime = workload.start().await;

    publish_tasks(&server, [("a".to_owned(), emitting(1, 0))]).await;
    let line = runtime.wait_for_log("Permissions Violation").await;
    assert_eq!(workload.count("start"), 0);
    server.reload(&denying("nothing.of.ours"));
    eventually(PATIENCE, async || workload.count("end") == 1).await;

    assert!(line.contains("CONSUMER.MSG.NEXT.TASKS"), "{line}");
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_ack_is_named_and_nothing_is_done_twice() {
    let server = NatsServer::with_config(&denying("$JS.ACK.TASKS.>")).await;
    let workload = Workload::new(&server, "script", "ack_wait = \"1s\"\nmax_deliver = 2\nhandovers = 1")
        .env("NATS_USER", "app")
        .env("NATS_PASSWORD", "app");
    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;

    publish_tasks(&server, [("a".to_owned(), emitting(1, 0))]).await;
    let line = runtime.wait_for_log("Permissions Violation").await;
    // The server gives it up after three deliveries, and says so.
    let advisories = format!("{}-advisories", crate::workload::TOPOLOGY);
    eventually(PATIENCE, async || stored(&jetstream, &advisories).await > 0).await;
    server.reload(&denying("nothing.of.ours"));
    publish_tasks(&server, [("a".to_owned(), emitting(2, 0))]).await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 2).await;
    eventually(PATIENCE, async || backlog(&jetstream).await == (0, 0)).await;

    assert!(line.contains("$JS.ACK.TASKS"), "{line}");
    assert_eq!(workload.count("start"), 2);
    assert!(dead_letters(&server).await.is_empty(), "what was done is no dead letter");
    assert!(runtime.drain(PATIENCE).await.success());
}
