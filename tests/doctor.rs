//! `tidegate doctor` finds several things wrong at once, and nothing where nothing is.

use async_nats::jetstream::message::PublishMessage;
use serde_json::Value;
use support::{NatsServer, PATIENCE, eventually, publish};

use crate::cli::{command, with_topology};

const TOPOLOGY: &str = r#"
name = "fixture"

[handlers]
script = { path = "." }

[streams.TASKS]
subjects = ["tasks.{entity}"]
max_messages = 100

[streams.DONE]
subjects = ["done.{entity}"]
max_bytes = "64MiB"

[actors.worker]
handler = "script"
stream = "TASKS"
subjects = ["tasks.{entity}"]
emits = { done = "done.{entity}" }
settings = { journal = "journal" }
"#;

fn said(json: &Value, level: &str) -> Vec<String> {
    let findings = json["findings"].as_array().expect("a list").iter();
    let of_level = findings.filter(|finding| finding["level"] == level);
    of_level.filter_map(|finding| finding["what"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_all_that_is_wrong_and_tells_the_cures() {
    let server = NatsServer::start().await;
    let builder = with_topology(TOPOLOGY).nats(&server);
    assert_eq!(command(&builder, "apply").await.code, Some(0));
    let jetstream = server.jetstream().await;
    let message = || PublishMessage::build().payload("{}".into());
    publish(&jetstream, (0..96).map(|n| (format!("tasks.e{n}"), message()))).await;
    let letter = "tidegate.fixture.dead-letters.worker.TASKS.1".to_owned();
    publish(&jetstream, [(letter, message())]).await;
    let tasks = jetstream.get_stream("TASKS").await.expect("it is there");
    tasks.delete_consumer("fixture-worker").await.expect("it is there");
    jetstream.delete_stream("KV_fixture-owners").await.expect("it is there");
    let done = jetstream.get_stream("DONE").await.expect("it is there").cached_info().config.clone();
    let forgetful = async_nats::jetstream::stream::Config {
        discard: async_nats::jetstream::stream::DiscardPolicy::Old,
        ..done
    };
    jetstream.update_stream(forgetful).await.expect("it can be edited");

    let ended = command(&builder, "doctor").await;
    let json = command(&builder, "doctor --format json").await.json();

    assert_eq!(ended.code, Some(6), "{ended:?}");
    let (errors, warnings) = (said(&json, "error").join("\n"), said(&json, "warning").join("\n"));
    for error in [
        "stream `TASKS` is full to 96 % of its messages",
        "consumer `fixture-worker` of stream `TASKS` is missing",
        "stream `KV_fixture-owners` is missing",
        "stream `DONE`: discard is old, the topology needs new",
        "no instance runs `fixture`",
    ] {
        assert!(errors.contains(error), "no `{error}` in {errors}");
    }
    for warning in ["stream `DONE` forgets its oldest messages", "1 held"] {
        assert!(warnings.contains(warning), "no `{warning}` in {warnings}");
    }
    assert!(ended.stdout.contains("ok       clock         the server's clock and ours agree"), "{ended:?}");
    assert!(ended.stdout.contains("→ `tidegate dead-letters groups` tells why"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_nothing_wrong_with_a_topology_at_work() {
    let server = NatsServer::start().await;
    let builder = with_topology(TOPOLOGY).nats(&server);
    let runtime = builder.clone().start();
    runtime.wait_for_log("takes its share of the work").await;

    eventually(PATIENCE, async || {
        let ended = command(&builder, "doctor --format json").await;
        let (json, is_slow) = (ended.json(), |what: &String| what.starts_with("nats-server"));
        let is_shared = said(&json, "ok").iter().any(|what| what.starts_with("1 share the work"));
        // A busy machine may take its time to answer.
        ended.code == Some(0) && is_shared && said(&json, "warning").iter().all(is_slow)
    })
    .await;
}
