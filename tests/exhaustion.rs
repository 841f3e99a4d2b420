//! What cannot be done ends in the dead-letter stream, once, with the reason.

use std::time::Duration;

use serde_json::json;
use support::{NatsServer, PATIENCE, StoredMessage, eventually};

use crate::workload::{Workload, dead_letters, emitting, publish_tasks, stored};

const FEW_TRIES: &str = r#"partitions = 2
    max_deliver = 2
    handovers = 1
    backoff = ["20ms"]
    timeout = "300ms"
    ack_wait = "1s""#;

fn header<'a>(message: &'a StoredMessage, name: &str) -> &'a str {
    message.headers.get(name).map_or("", |value| value.as_str())
}

async fn only_dead_letter(server: &NatsServer) -> StoredMessage {
    eventually(PATIENCE, async || !dead_letters(server).await.is_empty()).await;
    let mut letters = dead_letters(server).await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    letters.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_always_fails_is_dead_lettered_with_its_history() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", FEW_TRIES);
    let mut runtime = workload.start().await;

    publish_tasks(
        &server,
        [("a".to_owned(), json!({ "id": 7, "fails": 9 })), ("a".to_owned(), json!({ "emits": true }))],
    )
    .await;
    let letter = only_dead_letter(&server).await;

    assert_eq!(header(&letter, "Tidegate-Reason"), "failed");
    assert_eq!(header(&letter, "Tidegate-Attempts"), "2");
    assert_eq!(header(&letter, "Tidegate-Subject"), "tasks.a");
    assert_eq!(header(&letter, "Tidegate-Error"), "failed as told");
    assert_eq!(&letter.payload[..], br#"{"id":7,"fails":9}"#);
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 1).await;
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_hangs_its_thread_is_dead_lettered_by_the_servers_word() {
    let server = NatsServer::start().await;
    let workload = Workload::with(&server, "script", FEW_TRIES, "drain_timeout = \"2s\"");
    let mut runtime = workload.start().await;

    publish_tasks(&server, [("a".to_owned(), json!({ "fails": 9, "how": "block" }))]).await;
    let letter = only_dead_letter(&server).await;

    assert_eq!(header(&letter, "Tidegate-Reason"), "exhausted");
    assert!(runtime.log().iter().any(|line| line.contains("blocks its thread")), "the watchdog was silent");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(dead_letters(&server).await.len(), 1);
    assert_eq!(workload.count("start"), 1);
    assert!(!runtime.drain(Duration::from_secs(10)).await.success(), "a thread that hangs cannot drain");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_kills_its_process_is_found_out_and_spares_its_neighbours() {
    const NEIGHBOURS: u64 = 60;
    const TRIES: usize = 4;
    let server = NatsServer::start().await;
    let rules = format!("max_deliver = {TRIES}\npartitions = 2\nconcurrency = 8\nbackoff = [\"20ms\"]");
    let killer = ("killer".to_owned(), json!({ "id": 1000, "fails": 9, "how": "kill", "takes": 10 }));
    let neighbours = (0..NEIGHBOURS).map(|id| (format!("e{}", id % 20), emitting(id, 10)));
    let mut tasks: Vec<_> = neighbours.collect();
    tasks.insert(12, killer);
    let workload = Workload::new(&server, "script", &rules).with_backlog(&server, tasks).await;

    for _ in 0..TRIES {
        workload.spawn().wait_exit(PATIENCE).await;
    }
    let mut runtime = workload.start().await;
    let letter = only_dead_letter(&server).await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == NEIGHBOURS).await;

    assert_eq!(header(&letter, "Tidegate-Reason"), "failed");
    assert_eq!(header(&letter, "Tidegate-Attempts"), TRIES.to_string());
    assert_eq!(header(&letter, "Tidegate-Error"), "the process died while the handler ran");
    let journal = workload.journal();
    let count = |event: &str, key: &str| {
        journal.iter().filter(|line| line.event == event && (line.key == key)).count()
    };
    assert_eq!(count("start", "killer"), TRIES);
    let ends = journal.iter().filter(|line| line.event == "end").count();
    // Only what ran beside it when it killed for the first and the second time can have been done and not acked.
    assert!(ends <= 60 + 2 * 16, "{ends} ends of {NEIGHBOURS}");
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_order_the_server_keeps_what_waits_for_its_next_try() {
    let server = NatsServer::start().await;
    let workload = Workload::new(
        &server,
        "script",
        "order = \"none\"\nmax_deliver = 3\nbackoff = [\"200ms\"]\nack_wait = \"5s\"",
    );
    let mut runtime = workload.start().await;

    let tasks = [
        json!({ "id": 1, "fails": 2, "emits": true }),
        json!({ "id": 2, "fails": 9 }),
        json!({ "id": 3, "emits": true }),
    ];
    publish_tasks(&server, tasks.map(|task| ("a".to_owned(), task))).await;
    let letter = only_dead_letter(&server).await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 2).await;

    assert_eq!((header(&letter, "Tidegate-Reason"), header(&letter, "Tidegate-Attempts")), ("failed", "3"));
    let order: Vec<(u64, u32)> = workload
        .journal()
        .iter()
        .filter(|line| line.event == "end")
        .map(|line| (line.sequence, line.attempt))
        .collect();
    assert_eq!(order, [(3, 1), (1, 3)]);
    assert!(runtime.drain(PATIENCE).await.success());
}
