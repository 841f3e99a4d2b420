//! What `tidegate permissions` prints is enough to run, feed and operate a topology, and lets nobody reach further.

mod tap;

use async_nats::{ConnectOptions, Event};
use futures_util::future::join_all;
use serde_json::json;
use support::{NatsServer, PATIENCE, RuntimeBuilder, eventually, publish_json};
use tokio::sync::mpsc;

use self::tap::Tap;
use crate::cli::{Ended, command, with_topology};
use crate::workload::stored;

/// Two shards, state, emits into a stream that another actor reads, dead letters, an alert and a limit.
const TOPOLOGY: &str = r#"
name = "fixture"

[handlers]
count = { path = "." }
quiet = { path = "." }

[streams.TASKS]
subjects = ["tasks.{entity}"]
shards = 2
max_bytes = "64MiB"

[streams.DONE]
subjects = ["done.{entity}"]
max_bytes = "64MiB"

[actors.worker]
handler = "count"
stream = "TASKS"
subjects = ["tasks.{entity}"]
emits = { done = "done.{entity}" }
settings = { journal = "journal" }
max_deliver = 2
handovers = 1
backoff = ["10ms"]

[actors.after]
handler = "quiet"
stream = "DONE"
subjects = ["done.{entity}"]

[actors.after.dead_letter_limits]
consecutive = 2

[actors.after.alerts]
dead_letters = 0
for = "100ms"
"#;

const ADMIN: &str = "users: [\n  { user: admin, password: secret }\n";

/// A server whose users are those that the command prints, but for the lines that have `without`.
async fn guarded(without: Option<&str>) -> (NatsServer, RuntimeBuilder) {
    let printed = command(&with_topology(TOPOLOGY), "permissions").await.stdout;
    let kept = printed.lines().filter(|line| without.is_none_or(|without| !line.contains(without)));
    let mut users = kept.collect::<Vec<_>>().join("\n");
    assert!(
        without.is_none() || users.len() < printed.trim_end().len(),
        "no line has {without:?}: {printed}"
    );
    for role in ["RUNTIME", "PUBLISHER", "OPERATOR"] {
        users = users.replace(&format!("$FIXTURE_{role}_PASSWORD"), "secret");
    }
    let users = users.replace("users: [\n", ADMIN);
    let server =
        NatsServer::with_config(&format!("authorization {{\n{users}\n}}\nno_auth_user: admin")).await;
    let builder = with_topology(TOPOLOGY).nats(&server);
    (server, builder)
}

fn user(builder: &RuntimeBuilder, role: &str) -> RuntimeBuilder {
    builder.clone().env("NATS_USER", format!("fixture-{role}")).env("NATS_PASSWORD", "secret")
}

fn assert_undenied(log: &str) {
    assert!(!log.contains("Permissions Violation"), "{log}");
}

async fn permitted(builder: &RuntimeBuilder, arguments: &str, code: i32) -> Ended {
    let ended = command(&user(builder, "operator"), arguments).await;
    assert_undenied(&ended.stderr);
    assert_eq!(ended.code, Some(code), "{arguments}: {ended:?}");
    ended
}

async fn dead(builder: &RuntimeBuilder) -> u64 {
    let letters = permitted(builder, "dead-letters list --format json", 0).await.json();
    letters.as_array().map_or(0, Vec::len) as u64
}

/// Tasks of so many entities; every seventh fails for good.
async fn feed(builder: &RuntimeBuilder, count: u64) {
    let lines: Vec<String> = (0..count)
        .map(|id| json!({ "entity": format!("e{id}"), "id": id, "emits": true, "fails": if id % 7 == 0 { 9 } else { 0 } }))
        .map(|task| task.to_string())
        .collect();
    std::fs::write(builder.directory().join("tasks.jsonl"), lines.join("\n")).expect("a file");
    let ended =
        command(&user(builder, "publisher"), "publish tasks.{entity} tasks.jsonl --topology-name fixture")
            .await;
    assert_undenied(&ended.stderr);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_is_what_is_needed() {
    let printed = command(&with_topology(TOPOLOGY), "permissions --for publisher").await;

    insta::assert_snapshot!(printed.stdout, @r#"
    # The least that each user of `fixture` needs, written by `tidegate permissions`.
    # Belongs into `authorization { … }`, or into the topology's account under `accounts { … }`.
    # The passwords are variables of the server's environment.
    users: [
      {
        user: "fixture-publisher"
        password: $FIXTURE_PUBLISHER_PASSWORD
        permissions: {
          publish: { allow: [
            # events
            "tasks.*"
            # whether JetStream is there
            "$JS.API.INFO"
            # what the streams can take
            "$JS.API.DIRECT.GET.KV_fixture-flow"
          ] }
          subscribe: { allow: [
            # its answers
            "_INBOX.>"
            # what the streams can take
            "$KV.fixture-flow.>"
          ] }
        }
      }
    ]
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_runs_as_these_users_and_every_grant_is_used() {
    let (server, builder) = guarded(None).await;
    let grants = command(&builder, "permissions --format json").await.json();
    let jetstream = server.jetstream().await;
    let mut tap = Tap::on(&server.client().await).await;

    before_there_were_all_actors(&server).await;
    let mut first = user(&builder, "runtime").start();
    first.wait_for_log("takes its share of the work").await;
    let mut second = user(&builder, "runtime").start();
    second.wait_for_log("takes its share of the work").await;
    feed(&builder, 70).await;
    publish_json(&jetstream, [("done.x".to_owned(), json!("no task"))]).await;
    eventually(PATIENCE, async || dead(&builder).await == 11).await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 61).await;
    publish_json(
        &jetstream,
        (0..8).map(|n| (format!("tasks.s{n}"), json!({ "takes": 3000, "emits": true }))),
    )
    .await;
    eventually(PATIENCE, async || in_flight(&jetstream).await > 0).await;
    for runtime in [&mut first, &mut second] {
        runtime.kill9();
        assert_undenied(&runtime.log().join("\n"));
    }
    first.restart();
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 69).await;
    for (stream, consumer) in
        [("TASKS", "fixture-worker-0"), ("TASKS", "fixture-worker-1"), ("DONE", "fixture-after")]
    {
        advise(&jetstream, stream, consumer).await;
        tap.wait_for(&format!("$JS.ACK.fixture-advisories.{consumer}.")).await;
    }
    shows_and_stops(&server, &builder, &tap).await;
    permitted(&builder, "status", 0).await;
    assert!(first.drain(PATIENCE).await.success());

    assert_undenied(&first.log().join("\n"));
    assert_eq!(tap.unused(&grants["runtime"]["publish"]["allow"]), [""; 0]);
    tap.forget();
    feed(&builder, 3).await;
    assert_eq!(tap.unused(&grants["publisher"]["publish"]["allow"]), [""; 0]);
    tap.forget();
    // What waits has an age.
    publish_json(&jetstream, [("done.z".to_owned(), json!({}))]).await;
    operate(&builder).await;
    assert_eq!(tap.unused(&grants["operator"]["publish"]["allow"]), [""; 0]);
}

/// A run of the topology with an actor less: the next one adds to the advisories that are kept.
async fn before_there_were_all_actors(server: &NatsServer) {
    let (former, _) = TOPOLOGY.split_once("[actors.after]").expect("it has the actor");
    let mut runtime = user(&with_topology(former).nats(server), "runtime").start();
    runtime.wait_for_log("takes its share of the work").await;
    assert!(runtime.drain(PATIENCE).await.success());
    assert_undenied(&runtime.log().join("\n"));
}

/// An instance shows a message to who taps, raises an alert, and stops an actor that fails.
async fn shows_and_stops(server: &NatsServer, builder: &RuntimeBuilder, tap: &Tap) {
    let jetstream = server.jetstream().await;
    let feeding = async {
        loop {
            publish_json(&jetstream, [("done.shown".to_owned(), json!({}))]).await;
        }
    };
    tokio::select! {
        _ = permitted(builder, "tap after --limit 1", 0) => {}
        () = feeding => {}
    }
    publish_json(&jetstream, (0..3).map(|n| (format!("done.bad{n}"), json!("no task")))).await;
    tap.wait_for("$KV.fixture-controls.after").await;
    tap.wait_for("tidegate.fixture.alerts.after.").await;
    permitted(builder, "actors resume after", 0).await;
}

/// How many tasks are delivered and not settled.
async fn in_flight(jetstream: &async_nats::jetstream::Context) -> usize {
    let stream = jetstream.get_stream("TASKS").await.expect("it is there");
    let mut count = 0;
    for consumer in ["fixture-worker-0", "fixture-worker-1"] {
        count += stream.consumer_info(consumer).await.expect("it is there").num_ack_pending;
    }
    count
}

/// The server's word that it has given up a message that is gone by now.
async fn advise(jetstream: &async_nats::jetstream::Context, stream: &str, consumer: &str) {
    let body = json!({
        "type": "io.nats.jetstream.advisory.v1.max_deliver", "stream": stream, "consumer": consumer,
        "stream_seq": 1_000_000, "deliveries": 3,
    });
    let subject = format!("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{stream}.{consumer}");
    publish_json(jetstream, [(subject, body)]).await;
}

/// All that operators do.
async fn operate(builder: &RuntimeBuilder) {
    permitted(builder, "plan", 0).await;
    permitted(builder, "doctor --format json", 6).await;
    permitted(builder, "status --format json", 0).await;
    permitted(builder, "actors pause worker", 0).await;
    permitted(builder, "actors resume worker", 0).await;
    permitted(builder, "actors list", 0).await;
    permitted(builder, "alerts list", 0).await;
    permitted(builder, "top --once", 0).await;
    permitted(builder, "tap worker --for 100ms", 0).await;
    let groups = permitted(builder, "dead-letters groups --format json", 0).await.json();
    let number = groups[0]["example"].as_u64().expect("a number");
    permitted(builder, &format!("dead-letters show {number}"), 0).await;
    permitted(builder, "dead-letters export --limit 1", 0).await;
    permitted(builder, "dead-letters replay --all", 0).await;
    permitted(builder, "dead-letters purge --all --yes", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_others_is_out_of_reach() {
    let (server, builder) = guarded(None).await;
    let applied = command(&builder, "apply").await;
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let jetstream = server.jetstream().await;
    let neighbour = async_nats::jetstream::stream::Config {
        name: "NEIGHBOUR".to_owned(),
        subjects: vec!["neighbour.>".to_owned()],
        ..Default::default()
    };
    jetstream.create_stream(neighbour).await.expect("it is valid");

    for role in ["runtime", "publisher", "operator"] {
        let forbidden = [
            "neighbour.x",
            "$KV.neighbour.x",
            "$JS.API.STREAM.MSG.GET.NEIGHBOUR",
            "$JS.API.STREAM.INFO.NEIGHBOUR",
            "$JS.API.CONSUMER.CREATE.NEIGHBOUR.x",
            "$JS.API.STREAM.DELETE.TASKS",
            "$JS.API.STREAM.PURGE.TASKS",
            "$JS.API.CONSUMER.DELETE.TASKS.fixture-worker-0",
            "$JS.ACK.NEIGHBOUR.x.1.1.1.1.1",
        ];
        assert_eq!(denied(&server, role, &forbidden).await, forbidden, "{role}");
    }
    assert_eq!(stored(&jetstream, "NEIGHBOUR").await, 0);
    assert!(jetstream.get_stream("TASKS").await.is_ok());
}

/// Which of the subjects the user may not publish to.
async fn denied(server: &NatsServer, role: &str, subjects: &[&'static str]) -> Vec<String> {
    let (events, mut heard) = mpsc::channel(64);
    let options = ConnectOptions::new()
        .user_and_password(format!("fixture-{role}"), "secret".to_owned())
        .event_callback(move |event| {
            let events = events.clone();
            async move { drop(events.send(event).await) }
        });
    let client = server.client_with(options).await;
    for subject in subjects {
        client.publish(*subject, "".into()).await.expect("the client takes it");
    }
    client.flush().await.expect("the server is there");
    let mut denied = Vec::new();
    while denied.len() < subjects.len() {
        let event =
            tokio::time::timeout(PATIENCE, heard.recv()).await.expect("the server refuses all of them");
        if let Some(Event::ServerError(error)) = event {
            denied.extend(error.to_string().split('"').nth(1).map(str::to_owned));
        }
    }
    denied
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_line_something_fails_and_says_what() {
    let cases = [
        ("runtime", "run", "$JS.API.STREAM.CREATE.TASKS"),
        ("runtime", "run", "$JS.API.CONSUMER.LIST.TASKS"),
        ("operator", "plan", "$JS.API.STREAM.LIST"),
        ("operator", "dead-letters list", "$JS.API.CONSUMER.CREATE.fixture-dead-letters"),
    ];

    join_all(cases.map(async |(role, arguments, subject)| {
        let (_server, builder) = guarded(Some(subject)).await;
        if role == "operator" {
            assert_eq!(command(&builder, "apply").await.code, Some(0));
        }
        let ended = command(&user(&builder, role), arguments).await;

        assert_eq!(ended.code, Some(4), "{subject}: {ended:?}");
        assert!(ended.stderr.contains(subject), "{subject}: {ended:?}");
    }))
    .await;
}
