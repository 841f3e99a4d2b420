//! `tidegate plan` sees how the server and the topology differ; `tidegate apply` brings them together, and destroys
//! nothing that is not named.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::{FromConsumer, pull};
use async_nats::jetstream::message::PublishMessage;
use futures_util::TryStreamExt;
use serde_json::json;
use support::{NatsServer, PATIENCE, RuntimeBuilder, eventually, publish, publish_json};

use crate::cli::{command, with_topology};

/// An actor that keeps state, and a stream with subjects that it does not want.
const TOPOLOGY: &str = r#"
name = "fixture"

[handlers]
count = { path = "." }

[streams.TASKS]
subjects = ["tasks.{entity}.*"]
max_bytes = "1GiB"

[streams.DONE]
subjects = ["done.{entity}"]
max_bytes = "1GiB"

[actors.worker]
handler = "count"
stream = "TASKS"
subjects = ["tasks.{entity}.do"]
emits = { done = "done.{entity}" }
settings = { journal = "journal" }
"#;

const FORMER_ACTOR: &str = r#"
[actors.former]
handler = "count"
stream = "TASKS"
subjects = ["tasks.{entity}.former"]
settings = { journal = "journal" }
"#;

/// A server on which everything has been applied, of a topology with one actor more.
async fn with_a_former_actor() -> (NatsServer, RuntimeBuilder) {
    let server = NatsServer::start().await;
    let former = with_topology(&format!("{TOPOLOGY}{FORMER_ACTOR}")).nats(&server);
    let applied = command(&former, "apply").await;
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let builder = with_topology(TOPOLOGY).nats(&server);
    (server, builder)
}

async fn streams(jetstream: &Context) -> Vec<String> {
    let mut names: Vec<String> = jetstream.stream_names().try_collect().await.expect("the server answers");
    names.sort();
    names
}

async fn consumer(jetstream: &Context, name: &str) -> Option<pull::Config> {
    let stream = jetstream.get_stream("TASKS").await.expect("the stream is there");
    let config = stream.consumer_info(name).await.ok()?.config;
    Some(pull::Config::try_from_consumer_config(config).expect("a pull consumer"))
}

/// Something of every kind is wrong, beside a stream and a consumer of somebody else.
async fn meddle(jetstream: &Context) {
    jetstream.delete_stream("DONE").await.expect("it is there");
    let stream = jetstream.get_stream("TASKS").await.expect("it is there");
    let lower =
        async_nats::jetstream::stream::Config { max_bytes: 1 << 20, ..stream.cached_info().config.clone() };
    jetstream.update_stream(lower).await.expect("it can be edited");
    let letters = jetstream.get_stream("fixture-dead-letters").await.expect("it is there");
    let older =
        async_nats::jetstream::stream::Config { max_bytes: 4 << 30, ..letters.cached_info().config.clone() };
    jetstream.update_stream(older).await.expect("it can be edited");
    let hasty = pull::Config {
        ack_wait: Duration::from_secs(2),
        max_ack_pending: 7,
        ..consumer(jetstream, "fixture-worker").await.expect("it is there")
    };
    stream.update_consumer(hasty).await.expect("it can be edited");
    let words = |text: &'static str| PublishMessage::build().payload(text.into());
    let advisory = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.TASKS.fixture-worker".to_owned();
    publish(jetstream, [("tasks.a.unwanted".to_owned(), words("{}")), (advisory, words("{}"))]).await;
    let pause = json!({ "pause_until": "2100-01-01T00:00:00Z" }).to_string();
    let stranger = pull::Config {
        durable_name: Some("stranger".to_owned()),
        filter_subject: "tasks.*.strange".to_owned(),
        ..pull::Config::default()
    };
    stream.create_consumer(stranger).await.expect("it is valid");
    publish(jetstream, [("tasks.a.strange".to_owned(), words("{}"))]).await;
    let neighbour = async_nats::jetstream::stream::Config {
        name: "NEIGHBOUR".to_owned(),
        subjects: vec!["neighbour.>".to_owned()],
        ..async_nats::jetstream::stream::Config::default()
    };
    jetstream.create_stream(neighbour).await.expect("it is valid");
    let answer =
        jetstream.client().request("$JS.API.CONSUMER.PAUSE.TASKS.fixture-worker", pause.into()).await;
    answer.expect("the server answers");
}

#[tokio::test]
async fn what_is_missing_is_told_and_then_created() {
    let server = NatsServer::start().await;
    let builder = with_topology(TOPOLOGY).nats(&server);

    let planned = command(&builder, "plan").await;
    let untouched = streams(&server.jetstream().await).await;
    let applied = command(&builder, "apply").await;
    let again = command(&builder, "plan").await;

    insta::assert_snapshot!(planned.stdout, @r"
    create    stream `DONE`
    create    stream `TASKS`
    create    stream `fixture-dead-letters`
    create    stream `fixture-advisories`
    create    stream `KV_fixture-members`
    create    stream `KV_fixture-flow`
    create    stream `KV_fixture-controls`
    create    stream `KV_fixture-owners`
    create    stream `KV_fixture-attempts`
    create    stream `KV_fixture-worker-state`
    create    consumer `fixture-worker` of stream `TASKS`
    to create 11, to edit 0, left alone 0, orphans 0
    `tidegate apply` creates and edits these, and touches nothing else
    ");
    assert_eq!(planned.code, Some(6), "{planned:?}");
    assert_eq!(untouched, [""; 0]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert!(applied.stdout.contains("created stream `KV_fixture-worker-state`\n"), "{applied:?}");
    assert!(applied.stdout.contains("created consumer `fixture-worker` of stream `TASKS`"), "{applied:?}");
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), "the server has what `fixture` needs\n"));
}

#[tokio::test]
async fn every_kind_of_drift_is_seen() {
    let (server, builder) = with_a_former_actor().await;
    meddle(&server.jetstream().await).await;

    let planned = command(&builder, "plan").await;
    let json = command(&builder, "plan --format json").await.json();

    insta::assert_snapshot!(planned.stdout, @r"
    create    stream `DONE`
    edit      stream `TASKS`: max_bytes is 1048576, the topology needs 1073741824
    edit      consumer `fixture-worker` of stream `TASKS`: ack_wait is 2s, the topology needs 30s
    edit      consumer `fixture-worker` of stream `TASKS`: window is 7, the topology needs 4096
    differs   stream `fixture-dead-letters`: max_bytes is 4294967296, the topology needs 1073741824
    orphan    bucket `KV_fixture-former-state` belongs to no actor and holds 0 entries
    orphan    consumer `TASKS/fixture-former` feeds no actor, with 0 messages left to do
    stranded  1 messages in stream `TASKS` that no consumer wants, such as `tasks.a.unwanted`
    stranded  1 advisories about consumer `fixture-worker` of stream `TASKS` that nobody has looked at: an instance that runs makes dead letters of what the server has given up
    warning   consumer `fixture-worker` is paused, its actor gets nothing
    to create 1, to edit 3, left alone 1, orphans 2
    `tidegate apply` creates and edits these, and touches nothing else
    what differs is left alone because changing it could lose messages or their order: change the topology, or the server by `nats stream edit` or `nats consumer edit`
    `tidegate apply --delete KV_fixture-former-state --yes` deletes an orphan
    ");
    assert_eq!(planned.code, Some(6), "{planned:?}");
    assert_eq!(json["create"], json!(["stream `DONE`"]));
    assert_eq!(json["edit"][0]["cures"][0]["field"], "max_bytes");
    assert_eq!(json["differs"][0]["what"], "stream `fixture-dead-letters`");
    assert_eq!(
        json["orphans"][1],
        json!({ "name": "TASKS/fixture-former", "kind": "consumer", "messages": 0 })
    );
    assert_eq!(json["stranded"][0]["kind"], "unwanted");
    assert_eq!(json["obstacle"], json!(null));
}

#[tokio::test]
async fn what_is_safe_is_edited_and_the_rest_left_alone() {
    let (server, builder) = with_a_former_actor().await;
    let jetstream = server.jetstream().await;
    meddle(&jetstream).await;
    let before = streams(&jetstream).await;

    let applied = command(&builder, "apply").await;

    insta::assert_snapshot!(applied.stdout, @r"
    created stream `DONE`
    edited stream `TASKS`
    edited consumer `fixture-worker` of stream `TASKS`
    1 differences are left, see `tidegate plan`
    ");
    assert_eq!(applied.code, Some(6), "{applied:?}");
    let mut expected = before;
    expected.push("DONE".to_owned());
    expected.sort();
    assert_eq!(streams(&jetstream).await, expected);
    let tasks = jetstream.get_stream("TASKS").await.expect("it is there").cached_info().config.clone();
    let letters = jetstream.get_stream("fixture-dead-letters").await.expect("it is there");
    assert_eq!((tasks.max_bytes, letters.cached_info().config.max_bytes), (1 << 30, 4 << 30));
    let worker = consumer(&jetstream, "fixture-worker").await.expect("it is there");
    assert_eq!(worker.ack_wait, Duration::from_secs(30));
    assert!(worker.max_ack_pending > 7, "{worker:?}");
    assert!(consumer(&jetstream, "fixture-former").await.is_some());
}

#[tokio::test]
async fn nothing_is_deleted_that_is_not_an_orphan_named_and_confirmed() {
    let (server, builder) = with_a_former_actor().await;
    let jetstream = server.jetstream().await;
    let before = streams(&jetstream).await;

    let unconfirmed = command(&builder, "apply --delete TASKS/fixture-former").await;
    let needed = command(&builder, "apply --yes --delete TASKS/fixture-former --delete TASKS").await;
    let still_there = consumer(&jetstream, "fixture-former").await.is_some();
    let named = command(&builder, "apply --delete TASKS/fixture-former --yes --format json").await;

    assert_eq!((unconfirmed.code, needed.code), (Some(2), Some(2)), "{unconfirmed:?} {needed:?}");
    assert!(needed.stderr.contains("`TASKS` is no orphan"), "{needed:?}");
    assert!(still_there);
    assert_eq!(named.code, Some(0), "{named:?}");
    assert_eq!(named.json()["deleted"], json!(["consumer `TASKS/fixture-former`"]));
    assert!(consumer(&jetstream, "fixture-former").await.is_none());
    assert!(consumer(&jetstream, "fixture-worker").await.is_some());
    assert_eq!(streams(&jetstream).await, before);
}

#[tokio::test]
async fn an_orphan_alone_is_drift_and_a_warning_is_none() {
    let (server, builder) = with_a_former_actor().await;

    let with_orphans = command(&builder, "plan").await.code;
    let orphans = "--delete TASKS/fixture-former --delete KV_fixture-former-state --yes";
    assert_eq!(command(&builder, &format!("apply {orphans}")).await.code, Some(0));
    let pause = json!({ "pause_until": "2100-01-01T00:00:00Z" }).to_string();
    let client = server.client().await;
    let paused = client.request("$JS.API.CONSUMER.PAUSE.TASKS.fixture-worker", pause.into()).await;
    paused.expect("the server answers");
    let with_a_warning = command(&builder, "plan").await;

    assert_eq!((with_orphans, with_a_warning.code), (Some(6), Some(0)));
    assert!(with_a_warning.stdout.contains("is paused"), "{with_a_warning:?}");
}

#[tokio::test]
async fn what_the_server_gave_up_while_nobody_ran_is_told_until_somebody_has_looked_at_it() {
    let server = NatsServer::start().await;
    let builder = with_topology(TOPOLOGY).nats(&server);
    let mut runtime = builder.clone().start();
    runtime.wait_for_log("takes its share of the work").await;
    assert!(runtime.drain(PATIENCE).await.success());
    let jetstream = server.jetstream().await;
    let advisory = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.TASKS.fixture-worker".to_owned();
    let body = json!({
        "type": "io.nats.jetstream.advisory.v1.max_deliver", "stream": "TASKS", "consumer": "fixture-worker",
        "stream_seq": 1_000_000, "deliveries": 3,
    });
    publish_json(&jetstream, [(advisory, body)]).await;

    let given_up = command(&builder, "plan --format json").await.json()["stranded"].clone();
    runtime.restart();
    eventually(PATIENCE, async || {
        command(&builder, "plan --format json").await.json()["stranded"] == json!([])
    })
    .await;

    let expected =
        json!([{ "kind": "exhausted", "stream": "TASKS", "consumer": "fixture-worker", "advisories": 1 }]);
    assert_eq!(given_up, expected);
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test]
async fn without_the_handlers_a_bucket_for_state_is_neither_missed_nor_an_orphan() {
    let server = NatsServer::start().await;
    let builder = with_topology(TOPOLOGY).nats(&server);
    assert_eq!(command(&builder, "apply").await.code, Some(0));
    let unlinked =
        TOPOLOGY.replace("count = { path", "unlinked = { path").replace("\"count\"", "\"unlinked\"");
    let unlinked = with_topology(&unlinked).nats(&server);

    let with_bucket = command(&unlinked, "plan").await;
    let jetstream = server.jetstream().await;
    jetstream.delete_stream("KV_fixture-worker-state").await.expect("it is there");
    let without = command(&unlinked, "plan").await;

    assert_eq!((with_bucket.code, without.code), (Some(0), Some(0)), "{with_bucket:?} {without:?}");
    assert!(without.stdout.contains("the handlers are not linked into this program"), "{without:?}");
}

#[tokio::test]
async fn another_number_of_shards_stops_apply_before_anything_is_changed() {
    let server = NatsServer::start().await;
    let builder = with_topology(TOPOLOGY).nats(&server);
    command(&builder, "apply").await;
    let jetstream = server.jetstream().await;
    publish(&jetstream, [("tasks.a.do".to_owned(), PublishMessage::build().payload("{}".into()))]).await;
    jetstream.delete_stream("DONE").await.expect("it is there");
    let split = with_topology(&TOPOLOGY.replacen("max_bytes", "shards = 2\nmax_bytes", 1)).nats(&server);

    let planned = command(&split, "plan").await;
    let applied = command(&split, "apply").await;

    assert!(planned.stdout.contains("`apply` changes nothing while "), "{planned:?}");
    assert_eq!(applied.code, Some(6), "{applied:?}");
    assert!(applied.stderr.contains("nothing was changed: stream `TASKS`: shards"), "{applied:?}");
    assert!(!streams(&jetstream).await.contains(&"DONE".to_owned()));
}

#[tokio::test]
async fn an_external_stream_that_is_missing_is_told_and_not_created() {
    let server = NatsServer::start().await;
    let external = TOPOLOGY.replacen("max_bytes = \"1GiB\"", "external = true", 1);
    let builder = with_topology(&external).nats(&server);

    let planned = command(&builder, "plan").await;
    let applied = command(&builder, "apply").await;

    assert!(planned.stdout.contains("external stream `TASKS`: exists is no"), "{planned:?}");
    assert_eq!((planned.code, applied.code), (Some(6), Some(6)));
    assert_eq!(streams(&server.jetstream().await).await, [""; 0]);
}
