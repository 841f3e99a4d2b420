//! Alerts are raised and cleared: in the log, on a subject, in listings.

use futures_util::StreamExt;
use serde_json::Value;
use support::{NatsServer, PATIENCE, eventually};
use tokio::time::timeout;

use crate::cli::command;
use crate::workload::{TOPOLOGY, Workload, emitting, publish_tasks};

const ACTOR: &str = "[actors.worker.alerts]\nqueue_depth = 10\nfor = \"100ms\"";

async fn next(events: &mut async_nats::Subscriber) -> Value {
    let event = timeout(PATIENCE, events.next()).await.expect("an event").expect("the connection is open");
    serde_json::from_slice(&event.payload).expect("an event is JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_grows_is_told_everywhere_and_told_again_when_it_is_done() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", ACTOR);
    let client = server.client().await;
    let subject = format!("tidegate.{TOPOLOGY}.alerts.worker.queue_depth");
    let mut events = client.subscribe(subject).await.expect("a subscription");
    client.flush().await.expect("the server is there");
    let mut runtime = workload.start().await;
    let paused = command(workload.builder(), "actors pause worker").await;

    publish_tasks(&server, (0..50_u64).map(|id| (format!("e{id}"), emitting(id, 0)))).await;
    let raised = next(&mut events).await;
    runtime.wait_for_log("queue depth exceeding threshold: 50 events pending").await;
    eventually(PATIENCE, async || {
        let listed = command(workload.builder(), "alerts list --format json").await.json();
        listed[0]["name"] == "queue_depth" && listed[0]["actor"] == "worker"
    })
    .await;
    let status = command(workload.builder(), "status").await.stdout;
    let resumed = command(workload.builder(), "actors resume worker").await;
    let cleared = next(&mut events).await;

    assert_eq!((paused.code, resumed.code), (Some(0), Some(0)), "{paused:?} {resumed:?}");
    assert_eq!(
        (&raised["event"], &raised["value"], &raised["threshold"]),
        (&"raised".into(), &50.0.into(), &10.0.into())
    );
    assert!(status.contains("actor `worker`: queue depth exceeding threshold"), "{status}");
    assert_eq!(cleared["event"], "cleared");
    eventually(PATIENCE, async || {
        command(workload.builder(), "alerts list").await.stdout.trim() == "no alerts"
    })
    .await;
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_thresholds_are_rules_of_prometheus() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", ACTOR);

    let ended = command(workload.builder(), "alerts rules").await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains(
            r#"expr: 'max by (tidegate_actor) (tidegate_queue_depth{tidegate_actor="worker"}) > 10'"#
        ),
        "{ended:?}"
    );
}
