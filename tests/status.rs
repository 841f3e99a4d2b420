//! `tidegate status` shows who shares the work, from what instances have written.

use std::time::SystemTime;

use async_nats::jetstream;
use serde_json::json;
use support::{NatsServer, PATIENCE, eventually, eventually_some, publish_json};
use tidegate_runtime::message::{Member, MemberState, ShardId, ShardReport, ShardState};
use tidegate_runtime::nats::NatsMembers;
use tidegate_runtime::port::Members;

use crate::cli::{command, fixture};
use crate::members::{BUCKET, make_bucket, member};
use crate::ports::connected;
use crate::workload::{Workload, publish_tasks};

/// The stream and the consumer of the fixture's actor, with so many messages waiting.
async fn make_consumer(jetstream: &jetstream::Context, waiting: u32) {
    let stream = jetstream::stream::Config {
        name: "TASKS".to_owned(),
        subjects: vec!["tasks.*".to_owned()],
        ..Default::default()
    };
    let consumer = jetstream::consumer::pull::Config {
        durable_name: Some("fixture-worker".to_owned()),
        ..Default::default()
    };
    let stream = jetstream.create_stream(stream).await.expect("the stream is valid");
    stream.create_consumer(consumer).await.expect("the consumer is valid");
    publish_json(jetstream, (0..waiting).map(|n| (format!("tasks.{n}"), json!({})))).await;
}

fn working_on(member: Member, state: ShardState) -> Member {
    let now = SystemTime::now();
    let report = ShardReport {
        id: ShardId { actor: "worker".into(), shard: 0 },
        state,
        since: now,
        in_flight: 12,
        running: 3,
        done: 4711,
        dead_letters: 0,
        fullest: None,
        intake_stopped: None,
        last_progress: now,
    };
    Member { started: now, written: now, shards: vec![report], ..member }
}

#[tokio::test(flavor = "multi_thread")]
async fn shows_instances_and_shards_and_what_is_wrong() {
    let server = NatsServer::start().await;
    let builder = fixture().nats(&server);
    make_consumer(&server.jetstream().await, 7).await;
    make_bucket(&server.jetstream().await).await;
    let mut members = NatsMembers::new(connected(&server).await, BUCKET.to_owned());
    let web = working_on(member("web"), ShardState::Working);
    let late =
        Member { state: MemberState::Standby, reason: Some("for a test".to_owned()), ..member("late") };

    let mut revision = members.announce(&web, None).await.expect("an entry");
    members.announce(&late, None).await.expect("an entry");
    eventually(PATIENCE, async || {
        revision = members.announce(&web, Some(revision)).await.expect("an entry");
        let json = command(&builder, "status --format json").await.json();
        json["shards"][0]["owner"]["is_silent"] == false && json["instances"][0]["is_silent"] == true
    })
    .await;
    members.announce(&web, Some(revision)).await.expect("an entry");
    let ended = command(&builder, "status").await;
    let json = command(&builder, "status --format json").await.json();

    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("INSTANCE  HOST  PID   VERSION  STATE"), "{ended:?}");
    assert!(ended.stdout.contains("worker  0      TASKS   web"), "{ended:?}");
    assert!(ended.stdout.contains("  - `late` was last heard"), "{ended:?}");
    assert_eq!(json["shards"][0]["waiting"], 7);
    assert_eq!(json["shards"][0]["owner"]["running"], 3);
    assert_eq!(json["instances"][1]["instance"], "web");
}

#[tokio::test(flavor = "multi_thread")]
async fn says_that_nobody_is_at_work() {
    let server = NatsServer::start().await;
    let builder = fixture().nats(&server);

    let ended = command(&builder, "status").await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("no instance runs `fixture`"), "{ended:?}");
    assert!(ended.stdout.contains("shard worker/0 has no consumer on stream `TASKS`"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_told_as_such() {
    let mut server = NatsServer::start().await;
    let builder = fixture().nats(&server);
    server.kill9();

    assert_eq!(command(&builder, "status").await.code, Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn top_prints_a_frame_where_there_is_no_terminal() {
    let server = NatsServer::start().await;
    let builder = fixture().nats(&server);
    make_consumer(&server.jetstream().await, 7).await;

    let ended = command(&builder, "top").await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    let worker = ended.stdout.lines().find(|line| line.starts_with("worker ")).unwrap_or_default();
    let cells: Vec<&str> = worker.split_whitespace().collect();
    assert_eq!(cells[..6], ["worker", "TASKS", "0/1", "working", "7", "0"], "{ended:?}");
    assert!(ended.stdout.contains("no instance runs `fixture`"), "{ended:?}");
}

/// The words of the first line of what a command prints that has `word` at `place`, while the entity `ada` is busy.
async fn cells(
    server: &NatsServer,
    workload: &Workload,
    arguments: &str,
    place: usize,
    word: &str,
) -> Vec<String> {
    eventually_some(PATIENCE, async || {
        publish_tasks(server, (0..20).map(|id| ("ada".to_owned(), json!({ "id": id })))).await;
        let printed = command(workload.builder(), arguments).await.stdout;
        let mut lines =
            printed.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        lines.find(|cells| cells.get(place).is_some_and(|cell| cell == word))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_that_are_hot_or_wait_are_shown_where_they_are_at_work() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "max_deliver = 3\nbackoff = [\"10m\"]");
    let mut runtime = workload.start().await;
    publish_tasks(&server, [("eve".to_owned(), json!({ "id": 50, "fails": 1 }))]).await;

    let eve = cells(&server, &workload, "status", 1, "eve").await;
    let ada = cells(&server, &workload, "status", 1, "ada").await;
    let worker = cells(&server, &workload, "top --once", 11, "1").await;

    assert_eq!((&*eve[0], &*eve[3]), ("worker", "retry"), "{eve:?}");
    assert_eq!((&*ada[0], &*ada[3], &*ada[6]), ("worker", "hot", "attempts"), "{ada:?}");
    assert_eq!(worker[..4], ["worker", "TASKS", "1/1", "working"]);
    assert!(worker[8].ends_with('s'), "p99: {worker:?}");
    runtime.kill9();
}
