//! Dead letters are listed, shown and replayed, each once.

mod groups;

use async_nats::jetstream::message::PublishMessage;
use serde_json::{Value, json};
use support::{
    NatsServer, PATIENCE, Runtime, RuntimeBuilder, StoredMessage, eventually, publish, read_stream,
};

use crate::cli::{command, fixture};

const DEAD_LETTERS: &str = "fixture-dead-letters";

/// A runtime that has three dead letters: `a` failed, `b` is hopeless, `c` cannot be read.
async fn after_troubles(server: &NatsServer) -> (RuntimeBuilder, Runtime) {
    let builder = fixture().nats(server);
    let runtime = builder.clone().start();
    runtime.wait_for_log("ready").await;
    let troubles = [
        ("a", r#"{"id":1,"fails":9}"#),
        ("b", r#"{"id":2,"fails":9,"how":"terminal"}"#),
        ("c", "\u{1b}[2Jpoison"),
    ];
    for (number, (entity, payload)) in (1..).zip(troubles) {
        let message = PublishMessage::build().header("Customer", entity).payload(payload.into());
        publish(&server.jetstream().await, [(format!("tasks.{entity}"), message)]).await;
        eventually(PATIENCE, async || dead_letters(server).await.len() == number).await;
    }
    (builder, runtime)
}

async fn dead_letters(server: &NatsServer) -> Vec<StoredMessage> {
    read_stream(&server.jetstream().await, DEAD_LETTERS).await
}

async fn tasks(server: &NatsServer) -> Vec<StoredMessage> {
    read_stream(&server.jetstream().await, "TASKS").await
}

fn header<'a>(message: &'a StoredMessage, name: &str) -> Option<&'a str> {
    message.headers.get(name).map(async_nats::HeaderValue::as_str)
}

/// The text with every time replaced by the same one, and the version by its name.
fn redacted(text: &str) -> String {
    let is_time = |word: &&str| word.len() == 24 && word.ends_with('Z') && word.get(10..11) == Some("T");
    let nameless = text.replace(concat!("  ", env!("CARGO_PKG_VERSION"), "\n"), "  [version]\n");
    text.split_whitespace()
        .filter(is_time)
        .fold(nameless, |text, time| text.replace(time, "2026-01-01T00:00:00.000Z"))
}

fn numbers(list: &Value) -> Vec<u64> {
    let letters = list.as_array().expect("a list");
    letters.iter().filter_map(|letter| letter["dead_letter"].as_u64()).collect()
}

#[tokio::test]
async fn lists_what_died_and_why() {
    let server = NatsServer::start().await;
    let (builder, _runtime) = after_troubles(&server).await;

    let list = command(&builder, "dead-letters list").await;
    let of = async |filter: &str| {
        let arguments = format!("dead-letters list --format json {filter}");
        numbers(&command(&builder, &arguments).await.json())
    };

    insta::assert_snapshot!(redacted(&list.stdout), @r"
    DEAD LETTER  DIED                      ACTOR   REASON       TRIES  KEY  SUBJECT  ERROR
    1            2026-01-01T00:00:00.000Z  worker  failed       2      a    tasks.a  failed as told
    2            2026-01-01T00:00:00.000Z  worker  terminal     1      b    tasks.b  hopeless as told
    3            2026-01-01T00:00:00.000Z  worker  undecodable  1      c    tasks.c  cannot decode JSON: expected value at line 1 column 1
    ");
    assert_eq!(of("").await, [1, 2, 3]);
    assert_eq!(of("--actor worker --reason terminal").await, [2]);
    assert_eq!(of("--actor nobody").await, [0; 0]);
    assert_eq!(of("--key c").await, [3]);
    assert_eq!(of("--subject tasks.b").await, [2]);
    assert_eq!(of("--subject tasks.{entity} --limit 2").await, [1, 2]);
    assert_eq!(of("--since 1h").await, [1, 2, 3]);
    assert_eq!(of("--since 0s").await, [0; 0]);
}

#[tokio::test]
async fn shows_all_about_one() {
    let server = NatsServer::start().await;
    let (builder, _runtime) = after_troubles(&server).await;

    let failed = command(&builder, "dead-letters show 1").await;
    let poison = command(&builder, "dead-letters show 3").await;
    let json = command(&builder, "dead-letters show 2 --format json").await.json();
    let absent = command(&builder, "dead-letters show 4").await;

    insta::assert_snapshot!(redacted(&failed.stdout), @r#"
    Dead letter 1
      Actor         worker
      Reason        failed
      Error         failed as told
      Subject       tasks.a, message 1 of TASKS
      Key           a
      Tries         2
      Published     2026-01-01T00:00:00.000Z
      First failed  2026-01-01T00:00:00.000Z
      Died          2026-01-01T00:00:00.000Z
      Runtime       [version]

    Failed attempts that the runtime saw
      TRY  STARTED                   CAUSE  ERROR
      1    2026-01-01T00:00:00.000Z  error  failed as told
      2    2026-01-01T00:00:00.000Z  error  failed as told

    Headers
      Customer: a

    Payload, 18 bytes
      {
        "id": 1,
        "fails": 9
      }
    "#);
    assert!(poison.stdout.contains("\\u{1b}[2Jpoison") && !poison.stdout.contains('\u{1b}'), "{poison:?}");
    assert_eq!(json["payload"], json!({ "id": 2, "fails": 9, "how": "terminal" }));
    assert_eq!(json["headers"], json!([["Customer", "b"]]));
    assert_eq!((absent.code, absent.stdout.as_str()), (Some(1), ""));
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let server = NatsServer::start().await;
    let (builder, _runtime) = after_troubles(&server).await;

    let ended = command(&builder, "dead-letters replay --all --dry-run").await;

    insta::assert_snapshot!(ended.stdout, @r"
    dead letter 1 would go to tasks.a, replay 1
    dead letter 2 would go to tasks.b, replay 1
    dead letter 3 would go to tasks.c, replay 1
    to be replayed 3, failed 0
    ");
    assert_eq!((dead_letters(&server).await.len(), tasks(&server).await.len()), (3, 3));
}

#[tokio::test]
async fn replays_each_once_with_payload_and_headers() {
    let server = NatsServer::start().await;
    let (builder, mut runtime) = after_troubles(&server).await;
    assert!(runtime.drain(PATIENCE).await.success());

    let nothing = command(&builder, "dead-letters replay").await;
    let replayed = command(&builder, "dead-letters replay 1").await;
    let again = command(&builder, "dead-letters replay 1 --format json").await;

    assert_eq!(
        (nothing.code, replayed.code, again.code),
        (Some(2), Some(0), Some(1)),
        "{nothing:?} {replayed:?} {again:?}"
    );
    assert_eq!(again.json()[0]["error"], "there is no such dead letter; those replayed are gone");
    let tasks = tasks(&server).await;
    let last = tasks.last().expect("a task");
    assert_eq!(
        (tasks.len(), last.subject.as_str(), &last.payload[..]),
        (4, "tasks.a", &br#"{"id":1,"fails":9}"#[..])
    );
    assert_eq!((header(last, "Customer"), header(last, "Tidegate-Replay")), (Some("a"), Some("1")));
    assert_eq!(last.headers.len(), 3, "{:?}", last.headers);
    assert_eq!(dead_letters(&server).await.len(), 2);
}

#[tokio::test]
async fn what_dies_again_counts_its_replays() {
    let server = NatsServer::start().await;
    let (builder, _runtime) = after_troubles(&server).await;

    let ended = command(&builder, "dead-letters replay --reason terminal").await;
    eventually(PATIENCE, async || dead_letters(&server).await.iter().any(|letter| letter.sequence == 4))
        .await;
    let again = command(&builder, "dead-letters replay 4 --format json").await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(again.json(), json!([{ "dead_letter": 4, "subject": "tasks.b", "replay": 2, "error": null }]));
}

#[tokio::test]
async fn a_replay_that_was_killed_before_it_removed_the_dead_letter_is_not_stored_twice() {
    let server = NatsServer::start().await;
    let (builder, mut runtime) = after_troubles(&server).await;
    assert!(runtime.drain(PATIENCE).await.success());
    let id = format!("replay:{DEAD_LETTERS}:2");
    let first = PublishMessage::build().message_id(id).payload("{}".into());
    publish(&server.jetstream().await, [("tasks.b".to_owned(), first)]).await;

    let ended = command(&builder, "dead-letters replay 2").await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!((dead_letters(&server).await.len(), tasks(&server).await.len()), (2, 4));
}

#[tokio::test]
async fn a_forged_dead_letter_is_not_published_anywhere() {
    let server = NatsServer::start().await;
    let (builder, mut runtime) = after_troubles(&server).await;
    assert!(runtime.drain(PATIENCE).await.success());
    let forged = PublishMessage::build()
        .header("Tidegate-Actor", "worker")
        .header("Tidegate-Reason", "failed")
        .header("Tidegate-Stream", "TASKS")
        .header("Tidegate-Subject", "$JS.API.STREAM.DELETE.TASKS")
        .header("Tidegate-Sequence", "1")
        .header("Tidegate-Attempts", "1");
    publish(&server.jetstream().await, [("tidegate.fixture.dead-letters.worker.TASKS.1".to_owned(), forged)])
        .await;

    let ended = command(&builder, "dead-letters replay 4").await;

    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("no stream `TASKS` that takes `$JS.API.STREAM.DELETE.TASKS`"), "{ended:?}");
    assert_eq!(tasks(&server).await.len(), 3);
}
