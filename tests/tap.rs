//! `tidegate tap` shows how an actor's messages end while somebody looks, and nothing is shown to nobody.

use std::collections::BTreeSet;

use async_nats::Subscriber;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use support::{NatsServer, PATIENCE, Runtime, RuntimeBuilder, Signal, eventually};

use crate::cli::command;
use crate::workload::{Workload, publish_tasks};

/// How many lines were shown since this was last asked.
fn count(shown: &mut Subscriber) -> usize {
    let mut count = 0;
    while let Some(Some(_)) = shown.next().now_or_never() {
        count += 1;
    }
    count
}

/// A tap at work, in a directory of its own: standard output is a file there.
fn start(builder: &RuntimeBuilder, server: &NatsServer, arguments: &str) -> Runtime {
    let topology = std::fs::read_to_string(builder.directory().join("topology.toml")).expect("it is there");
    let own = crate::cli::with_topology(&topology).nats(server);
    own.args(arguments.split_whitespace()).start()
}

fn lines(tap: &Runtime) -> Vec<Value> {
    let text = tap.stdout();
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

/// Publishes one task after the other until the tap has heard that somebody looks.
async fn until_shown(server: &NatsServer, shown: &mut Subscriber) {
    eventually(PATIENCE, async || {
        publish_tasks(server, [("ada".to_owned(), json!({ "id": 1 }))]).await;
        count(shown) > 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tap_shows_how_the_messages_of_an_entity_end_and_stops_with_who_looks() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "max_deliver = 2\nbackoff = [\"10ms\"]");
    let mut runtime = workload.start().await;
    let client = server.client().await;
    let mut shown = client.subscribe("tidegate.*.taps.>").await.expect("the server is there");
    client.flush().await.expect("the server is there");

    publish_tasks(&server, (0..20).map(|id| ("ada".to_owned(), json!({ "id": id })))).await;
    eventually(PATIENCE, async || workload.count("end") == 20).await;
    client.flush().await.expect("the server is there");
    let unasked = count(&mut shown);
    let mut tap = start(workload.builder(), &server, "tap worker --key ada --format json");
    until_shown(&server, &mut shown).await;
    let tasks = [("bob", 0), ("ada", 1), ("bob", 9), ("ada", 9)];
    publish_tasks(&server, tasks.map(|(key, fails)| (key.to_owned(), json!({ "id": 100, "fails": fails }))))
        .await;
    eventually(PATIENCE, async || lines(&tap).iter().any(|line| line["outcome"] == "dead")).await;
    tap.signal(Signal::SIGINT);
    let ended = tap.wait_exit(PATIENCE).await;

    assert_eq!((unasked, ended.code()), (0, Some(0)));
    let seen = lines(&tap);
    let of = |field: &str| seen.iter().map(|line| line[field].to_string()).collect::<BTreeSet<_>>();
    let set = |texts: &[&str]| texts.iter().map(|text| format!("\"{text}\"")).collect::<BTreeSet<_>>();
    assert_eq!(of("key"), set(&["ada"]));
    assert_eq!(of("outcome"), set(&["ok", "retry", "dead"]));
    let dead = seen.iter().find(|line| line["outcome"] == "dead").expect("it was there");
    assert_eq!((&dead["attempt"], &dead["error"]), (&json!(2), &json!("failed as told")));
    assert!(dead["payload"].as_str().is_some_and(|payload| payload.contains("\"fails\":9")), "{dead}");
    eventually(PATIENCE, async || {
        let before = workload.count("end");
        publish_tasks(&server, [("ada".to_owned(), json!({ "id": 200 }))]).await;
        eventually(PATIENCE, async || workload.count("end") > before).await;
        client.flush().await.expect("the server is there");
        count(&mut shown) == 0
    })
    .await;
    runtime.kill9();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tap_of_nothing_that_there_is_says_so() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "");

    let unknown = command(workload.builder(), "tap wroker").await;
    let sampled = command(workload.builder(), "tap worker --sample 7").await;
    let nobody = command(workload.builder(), "tap worker --for 1s").await;

    assert_eq!((unknown.code, sampled.code), (Some(2), Some(2)), "{unknown:?} {sampled:?}");
    assert!(unknown.stderr.contains("its actors are `worker`"), "{unknown:?}");
    assert_eq!((nobody.code, &*nobody.stdout), (Some(0), ""));
    assert!(nobody.stderr.contains("no instance is at work"), "{nobody:?}");
}
