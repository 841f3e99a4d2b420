//! The dead-letter stream is full, missing, or was not watched: nothing is lost and the runtime says so.

use async_nats::HeaderValue;
use async_nats::jetstream::stream::Config;
use serde_json::json;
use support::{NatsServer, PATIENCE, eventually};

use crate::workload::{TOPOLOGY, Workload, dead_letters, publish_tasks, stored};

fn stream() -> String {
    format!("{TOPOLOGY}-dead-letters")
}

async fn change(server: &NatsServer, change: impl FnOnce(&mut Config)) {
    let jetstream = server.jetstream().await;
    let mut config =
        jetstream.get_stream(stream()).await.expect("the stream exists").cached_info().config.clone();
    change(&mut config);
    jetstream.update_stream(config).await.expect("the stream is changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_stream_blocks_the_entity_until_there_is_room() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "max_deliver = 1");
    let mut runtime = workload.start().await;
    change(&server, |config| config.max_messages = 1).await;

    let (fails, emits) = (json!({ "fails": 9 }), json!({ "emits": true }));
    publish_tasks(&server, [("a".to_owned(), fails.clone())]).await;
    eventually(PATIENCE, async || dead_letters(&server).await.len() == 1).await;
    let tasks = [("b".to_owned(), fails), ("b".to_owned(), emits.clone()), ("c".to_owned(), emits)];
    publish_tasks(&server, tasks).await;
    let jetstream = server.jetstream().await;
    runtime.wait_for_log("dead_letter_blocked").await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 1).await;
    assert_eq!(dead_letters(&server).await.len(), 1);

    change(&server, |config| config.max_messages = -1).await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 2).await;

    assert_eq!(dead_letters(&server).await.len(), 2);
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_stream_blocks_the_entity_until_it_is_back() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "max_deliver = 1");
    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;
    let config =
        jetstream.get_stream(stream()).await.expect("the stream exists").cached_info().config.clone();
    jetstream.delete_stream(stream()).await.expect("the stream is deleted");

    publish_tasks(&server, [("a".to_owned(), json!({ "fails": 9 }))]).await;
    runtime.wait_for_log("dead_letter_blocked").await;
    jetstream.create_stream(config).await.expect("the stream is created");
    eventually(PATIENCE, async || dead_letters(&server).await.len() == 1).await;

    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exhausted_while_nobody_runs_is_dead_lettered_later() {
    let server = NatsServer::start().await;
    let actor = "max_deliver = 1\nhandovers = 0\nack_wait = \"1s\"";
    let workload = Workload::new(&server, "script", actor);
    let mut runtime = workload.start().await;

    publish_tasks(&server, [("a".to_owned(), json!({ "fails": 9, "how": "kill" }))]).await;
    runtime.wait_exit(PATIENCE).await;
    // A puller that is not ours makes the server notice, and the advisory goes out while no runtime listens.
    exhaust(&server).await;
    assert!(dead_letters(&server).await.is_empty());
    let mut runtime = workload.start().await;
    eventually(PATIENCE, async || dead_letters(&server).await.len() == 1).await;

    let letter = dead_letters(&server).await.remove(0);
    assert_eq!(letter.headers.get("Tidegate-Reason").map(HeaderValue::as_str), Some("exhausted"));
    assert_eq!(&letter.payload[..], br#"{"fails":9,"how":"kill"}"#);
    assert!(runtime.drain(PATIENCE).await.success());
}

async fn exhaust(server: &NatsServer) {
    let jetstream = server.jetstream().await;
    let client = server.client().await;
    let advisories = format!("{TOPOLOGY}-advisories");
    let before = stored(&jetstream, &advisories).await;
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.TASKS.{TOPOLOGY}-worker");
    eventually(PATIENCE, async || {
        let request = br#"{"batch":1,"no_wait":true}"#.to_vec().into();
        client
            .publish_with_reply(subject.clone(), client.new_inbox(), request)
            .await
            .expect("the pull is sent");
        client.flush().await.expect("the pull is flushed");
        stored(&jetstream, &advisories).await > before
    })
    .await;
}
