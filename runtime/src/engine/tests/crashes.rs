//! What is known of tries that ended with their process.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::harness::{Bench, Task, actor, on_paused_clock};
use crate::memory::{MemoryBroker, MemorySource};
use crate::port::{Room, Source, Store};

/// When the broker in memory stores its first message, in nanoseconds since the epoch.
const PUBLISHED: u64 = 1_000_000_000;

/// A message that was delivered and not settled, of which the process died alone and more often than it may.
async fn deadly(broker: &MemoryBroker) {
    Bench::publish(broker, &Task { entity: "a".to_owned(), ..Task::default() });
    let room = Room { messages: 1, bytes: usize::MAX };
    MemorySource::new(broker).next(room).await.expect("it is there");
    let record = json!({
        "published": PUBLISHED, "attempt": 1, "running": 5, "crashes": 9, "is_alone": true, "crashes_alone": 9,
        "is_first_unknown": false, "failures": [],
    });
    write(broker, "clerk.MEMORY.1", &record).await;
}

async fn write(broker: &MemoryBroker, key: &str, value: &serde_json::Value) {
    broker.save(key, Bytes::from(value.to_string()), None).await.expect("there is no such entry");
}

#[test]
fn a_deadly_message_is_not_tried_again() {
    on_paused_clock(async {
        let broker = Bench::broker_for(&actor());
        deadly(&broker).await;

        let bench = Bench::start(actor(), broker.clone());
        bench.finished().await;

        assert!(bench.diary.entries().is_empty());
        assert_eq!(broker.settled().termed, [1].into());
    });
}

#[test]
fn a_message_that_was_applied_is_done_however_often_the_process_died() {
    on_paused_clock(async {
        let broker = Bench::broker_for(&actor());
        deadly(&broker).await;
        let state = json!({ "stream": "MEMORY", "sequence": 1, "published": PUBLISHED, "state": 1 });
        write(&broker, "a", &state).await;

        let bench = Bench::start(actor(), broker.clone());
        bench.finished().await;
        tokio::time::sleep(Duration::from_secs(1)).await;

        assert_eq!(broker.settled().acked, [1].into());
        assert!(broker.settled().termed.is_empty());
    });
}

#[test]
fn a_try_that_this_process_broke_off_is_no_crash() {
    on_paused_clock(async {
        let broker = Bench::broker_for(&actor());
        Bench::publish(&broker, &Task { entity: "a".to_owned(), ..Task::default() });
        let room = Room { messages: 1, bytes: usize::MAX };
        MemorySource::new(&broker).next(room).await.expect("it is there");
        let record = json!({
            "published": PUBLISHED, "attempt": 1, "running": 5, "process": "bench/1/1", "crashes": 9,
            "is_alone": true, "crashes_alone": 0, "is_first_unknown": false, "failures": [],
        });
        write(&broker, "clerk.MEMORY.1", &record).await;

        let bench = Bench::start(actor(), broker.clone());
        bench.finished().await;

        assert_eq!(bench.diary.entries().len(), 1);
        assert_eq!(broker.settled().acked, [1].into());
    });
}

#[test]
fn a_crash_after_the_handler_has_ended_is_not_the_message_s() {
    on_paused_clock(async {
        let broker = Bench::broker_for(&actor());
        Bench::publish(&broker, &Task { entity: "a".to_owned(), ..Task::default() });
        let room = Room { messages: 1, bytes: usize::MAX };
        MemorySource::new(&broker).next(room).await.expect("it is there");
        broker.refuse_publishes(u32::MAX);

        let bench = Bench::start(actor(), broker.clone());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let entry = broker.load("clerk.MEMORY.1").await.expect("the store answers").expect("it was written");
        let record: serde_json::Value = serde_json::from_slice(&entry.value).expect("JSON");

        assert_eq!(bench.diary.entries().len(), 1);
        assert_eq!((&record["attempt"], &record["running"]), (&json!(1), &json!(null)));
    });
}
