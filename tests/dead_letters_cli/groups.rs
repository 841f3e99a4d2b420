//! Dead letters are grouped by what they died of, exported whole, and removed when they are named.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::{NatsServer, PATIENCE, eventually, publish_json};

use super::{after_troubles, dead_letters, numbers, redacted};
use crate::cli::command;

#[tokio::test]
async fn groups_what_died_of_the_same() {
    let server = NatsServer::start().await;
    let (builder, _runtime) = after_troubles(&server).await;
    let more = (0..3).map(|n| (format!("tasks.more{n}"), json!({ "id": n, "fails": 9 })));
    publish_json(&server.jetstream().await, more).await;
    eventually(PATIENCE, async || dead_letters(&server).await.len() == 6).await;

    let groups = command(&builder, "dead-letters groups").await;
    let json = command(&builder, "dead-letters groups --format json").await.json();
    let largest = json[0]["group"].as_str().expect("its name").to_owned();
    let list = command(&builder, &format!("dead-letters list --format json --group {largest}")).await.json();

    insta::assert_snapshot!(redacted(&groups.stdout), @r"
    GROUP     COUNT  FIRST                     LAST                      EXAMPLE  ACTOR   REASON       ERROR
    075d67d2  4      2026-01-01T00:00:00.000Z  2026-01-01T00:00:00.000Z  6        worker  failed       failed as told
    91b3ca5f  1      2026-01-01T00:00:00.000Z  2026-01-01T00:00:00.000Z  2        worker  terminal     hopeless as told
    cd5de17c  1      2026-01-01T00:00:00.000Z  2026-01-01T00:00:00.000Z  3        worker  undecodable  cannot decode JSON: expected value at line # column #
    ");
    assert_eq!((&json[0]["count"], &json[0]["reason"]), (&json!(4), &json!("failed")));
    assert_eq!(numbers(&list), [1, 4, 5, 6]);
}

#[tokio::test]
async fn exports_all_that_a_replay_needs() {
    let server = NatsServer::start().await;
    let (builder, _runtime) = after_troubles(&server).await;

    let ended = command(&builder, "dead-letters export").await;
    let one = command(&builder, "dead-letters export --reason terminal").await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(lines.len(), 3);
    let payload = STANDARD.decode(lines[2]["payload_base64"].as_str().expect("a text")).expect("base64");
    assert_eq!(payload, b"\x1b[2Jpoison");
    assert_eq!(
        (&lines[1]["subject"], &lines[1]["headers"]),
        (&json!("tasks.b"), &json!([["Customer", "b"]]))
    );
    let group = lines[0]["group"].as_str().expect("its name").to_owned();
    let of_group = command(&builder, &format!("dead-letters export --group {group}")).await;
    assert_eq!(of_group.stdout.lines().collect::<Vec<_>>(), [ended.stdout.lines().next().expect("a line")]);
    assert_eq!(one.stdout.lines().count(), 1);
    assert!(!ended.stdout.contains('\u{1b}'));
}

#[tokio::test]
async fn purges_what_is_named_and_confirmed() {
    let server = NatsServer::start().await;
    let (builder, _runtime) = after_troubles(&server).await;

    let unnamed = command(&builder, "dead-letters purge --yes").await;
    let unconfirmed = command(&builder, "dead-letters purge --actor worker").await;
    let before = dead_letters(&server).await.len();
    let some = command(&builder, "dead-letters purge --reason terminal --yes").await;
    let absent = command(&builder, "dead-letters purge 1 2 --yes --format json").await;

    assert_eq!((unnamed.code, unconfirmed.code), (Some(2), Some(2)), "{unnamed:?} {unconfirmed:?}");
    assert!(unconfirmed.stderr.contains("it would be 3 dead letters"), "{unconfirmed:?}");
    assert_eq!(before, 3);
    assert_eq!((some.code, some.stdout.as_str()), (Some(0), "purged 1, failed 0\n"));
    assert_eq!(absent.code, Some(1), "{absent:?}");
    assert_eq!(absent.json(), json!({ "purged": 1, "absent": [2], "failed": [] }));
    let left = dead_letters(&server).await;
    assert_eq!(left.iter().map(|letter| letter.sequence).collect::<Vec<_>>(), [3]);
}
