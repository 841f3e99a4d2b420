//! Entities are handled in order, in parallel, and none waits for another.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use support::{NatsServer, PATIENCE, eventually};

use crate::workload::{Workload, assert_ordered, dead_letters, done, publish_tasks, stored};

#[tokio::test(flavor = "multi_thread")]
async fn keeps_order_per_entity_across_partitions() {
    let server = NatsServer::start().await;
    let actor = r#"partitions = 16
        max_deliver = 3
        backoff = ["20ms", "50ms"]"#;
    let workload = Workload::new(&server, "script", actor);
    let mut runtime = workload.start().await;
    let mut random = StdRng::seed_from_u64(7);

    let tasks: Vec<_> = (0..2000_u64)
        .map(|id| {
            let fails = if random.random_bool(0.1) { random.random_range(1..5_u32) } else { 0 };
            let task =
                json!({ "id": id, "takes": random.random_range(0..5_u64), "fails": fails, "emits": true });
            (format!("e{}", random.random_range(0..100_u32)), task)
        })
        .collect();
    publish_tasks(&server, tasks).await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || {
        stored(&jetstream, "DONE").await + dead_letters(&server).await.len() as u64 == 2000
    })
    .await;

    let journal = workload.journal();
    assert_ordered(&journal);
    assert!(workload.count("fail") > 100, "the faults did not happen");
    assert!(!dead_letters(&server).await.is_empty());
    assert!(journal.iter().all(|line| line.attempt <= 3));
    assert!(runtime.drain(PATIENCE).await.success());
    assert_eq!(workload.count("start"), workload.count("end") + workload.count("fail"));
}

#[tokio::test(flavor = "multi_thread")]
async fn others_go_on_while_one_entity_retries() {
    let server = NatsServer::start().await;
    let workload =
        Workload::new(&server, "script", "partitions = 1\nbackoff = [\"60s\"]\nack_wait = \"90s\"");
    let mut runtime = workload.start().await;

    let sick = [("sick".to_owned(), json!({ "fails": 1, "emits": true }))];
    let well = (0..200).map(|n| (format!("well-{n}"), json!({ "emits": true })));
    let behind = [("sick".to_owned(), json!({ "emits": true }))];
    publish_tasks(&server, sick.into_iter().chain(well).chain(behind)).await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 200).await;

    assert!(done(&server).await.iter().all(|message| message.subject.starts_with("done.well-")));
    assert!(runtime.drain(Duration::from_secs(5)).await.success());
    assert_eq!(workload.journal().iter().filter(|line| line.key == "sick").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_order_by_a_key_in_the_payload() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "key = { json = \"/entity\" }\nbackoff = [\"10ms\"]");
    let mut runtime = workload.start().await;

    let tasks = (0..300_u64).map(|id| {
        let fails = u8::from(id % 17 == 0);
        (
            format!("t{id}"),
            json!({ "id": id, "entity": format!("e{}", id % 10), "takes": 1, "fails": fails, "emits": true }),
        )
    });
    publish_tasks(&server, tasks).await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 300).await;

    let journal = workload.journal();
    assert_ordered(&journal);
    assert!(journal.iter().all(|line| line.key == format!("e{}", (line.sequence - 1) % 10)));
    assert!(runtime.drain(PATIENCE).await.success());
}
