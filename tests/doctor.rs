//! `tidegate doctor` finds several things wrong at once, and nothing where nothing is.

use async_nats::jetstream::message::PublishMessage;
use serde_json::Value;
use support::{Cluster, NatsServer, PATIENCE, eventually, eventually_some, publish};

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
    let letter = "tidegate.fixture.dead-letters.worker.TASKS.1".to_owned();
    let message = PublishMessage::build().payload("{}".into());
    publish(&server.jetstream().await, [(letter, message)]).await;
    let warned = command(&builder, "doctor").await.code;
    let denied = command(&builder, "doctor --deny-warnings").await.code;

    assert_eq!((warned, denied), (Some(0), Some(6)), "a warning is trouble only for who says so");
}

#[tokio::test(flavor = "multi_thread")]
async fn tells_the_limits_of_the_account_that_are_near() {
    let limits = "{ max_mem: 921600, max_file: 8GB, max_streams: 10, max_consumers: 1 }";
    let config = format!(
        "no_auth_user: app\naccounts {{ A {{ jetstream: {limits}, users: [{{ user: app, password: app }}] }} }}"
    );
    let server = NatsServer::with_config(&config).await;
    let topology = TOPOLOGY.replace("max_bytes = \"64MiB\"", "storage = \"memory\"\nmax_bytes = \"900KiB\"");
    let builder = with_topology(&topology).nats(&server);
    assert_eq!(command(&builder, "apply").await.code, Some(0));
    let payload = vec![b'x'; 800 << 10];
    let large = PublishMessage::build().payload(payload.into());
    publish(&server.jetstream().await, [("done.a".to_owned(), large)]).await;

    let json = command(&builder, "doctor --format json").await.json();

    let (errors, warnings) = (said(&json, "error").join("\n"), said(&json, "warning").join("\n"));
    assert!(errors.contains("100 % of the consumers that jetstream may use are used"), "{json}");
    assert!(warnings.contains("90 % of the streams that jetstream may use are used"), "{json}");
    assert!(warnings.contains(" % of the memory that jetstream may use are used"), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tells_the_copies_that_are_away() {
    let mut cluster = Cluster::start().await;
    let tasks = TOPOLOGY.replace("\"tasks.{entity}\"]\nmax", "\"tasks.{entity}\"]\nreplicas = 3\nmax");
    let topology = format!("{tasks}\n[dead_letters]\nreplicas = 3\n");
    let builder = with_topology(&topology).env("NATS_URL", cluster.url());
    assert_eq!(command(&builder, "apply").await.code, Some(0));
    let (tasks, done) = (cluster.leader_of_stream("TASKS").await, cluster.leader_of_stream("DONE").await);
    let other = cluster.numbers().find(|number| ![tasks, done].contains(number)).expect("there are three");

    cluster.kill9(other);
    let jetstream = cluster.jetstream().await;
    eventually(PATIENCE, async || jetstream.query_account().await.is_ok()).await;
    let told = eventually_some(PATIENCE, async || {
        let ended = command(&builder, "doctor --format json").await;
        // Nothing can be told of a stream while its leader is elected.
        let warnings = if ended.stdout.is_empty() { Vec::new() } else { said(&ended.json(), "warning") };
        let is_away = |what: &String| what.starts_with("copies of stream `TASKS` are late or away");
        warnings.iter().any(is_away).then_some(warnings)
    })
    .await;

    let is_alone = |what: &String| what.starts_with("stream `DONE` is on one server of a cluster only");
    assert!(told.iter().any(is_alone), "{told:?}");
}
