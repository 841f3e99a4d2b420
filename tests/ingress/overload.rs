//! Streams that are full or stopped: the client is told to come back, and nothing is an error of the server.

use std::time::{Duration, SystemTime};

use async_nats::jetstream::kv::Store;
use serde_json::json;
use support::{PATIENCE, Scrape, eventually};
use tidegate_producer::{Flow, FlowState, Mark, Pressure, flow};

use super::{Shop, answer};
use crate::metrics::admin_of;

/// What an instance would write about `RAW`, which nobody reads here.
fn entry(state: FlowState) -> Flow {
    let now = SystemTime::now();
    let pressure = Pressure {
        mark: Mark::Messages,
        value: 900.0,
        low: 400.0,
        high: 800.0,
        actor: Some("sluggard".to_owned()),
        partition: None,
        since: now,
    };
    Flow {
        stream: "RAW".to_owned(),
        subjects: vec!["raw.*".to_owned()],
        state,
        since: now,
        rate: None,
        stored: 0.0,
        done: 0.0,
        pressure: Some(pressure),
        full_in: None,
        holds: 60_000,
        instance: "test".to_owned(),
        written: now,
    }
}

async fn bucket(shop: &Shop) -> Store {
    let jetstream = shop.server.jetstream().await;
    let config = async_nats::jetstream::kv::Config { bucket: flow::bucket("fixture"), ..Default::default() };
    match jetstream.get_key_value(flow::bucket("fixture")).await {
        Ok(bucket) => bucket,
        Err(_) => jetstream.create_key_value(config).await.expect("the bucket can be made"),
    }
}

async fn write(bucket: &Store, state: FlowState) {
    let entry = serde_json::to_vec(&entry(state)).expect("JSON");
    bucket.put("RAW", entry.into()).await.expect("the bucket takes it");
}

async fn raw(shop: &Shop) -> super::Answer {
    answer(shop.post("/raw/1").body("1")).await
}

#[tokio::test]
async fn a_full_stream_is_no_error_of_the_server() {
    let shop = Shop::open("[admin]\nlisten = \"127.0.0.1:0\"").await;

    let taken = [raw(&shop).await.status, raw(&shop).await.status];
    let refused = raw(&shop).await;
    let scrape = Scrape::of(&admin_of(&shop.runtime).await).await;
    let requests = |outcome| scrape.sum("tidegate_ingress_requests_total", &[("tidegate_outcome", outcome)]);

    assert_eq!(
        [requests("accepted"), requests("throttled"), requests("failed")],
        [Some(2.0), Some(1.0), Some(0.0)]
    );
    assert_eq!(scrape.sum("tidegate_publish_refusals_total", &[("tidegate_cause", "full")]), Some(1.0));
    assert_eq!(scrape.sum("tidegate_ingress_events_total", &[]), Some(2.0));
    assert_eq!(taken, [202, 202]);
    assert_eq!(refused.problem(), (429, "overloaded".to_owned()));
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 1), "{refused:?}");
    shop.drain().await;
}

#[tokio::test]
async fn a_stopped_stream_says_why_and_takes_events_again_when_it_is_open() {
    let shop = Shop::open("").await;
    let bucket = bucket(&shop).await;

    write(&bucket, FlowState::Stop).await;
    let mut refused = None;
    eventually(PATIENCE, async || {
        let answer = raw(&shop).await;
        if answer.status == 429 && answer.text.contains("sluggard") {
            refused = Some(answer);
        } else {
            let stream = shop.server.jetstream().await.get_stream("RAW").await.expect("the stream");
            stream.purge().await.expect("it can be emptied");
        }
        refused.is_some()
    })
    .await;
    let before = shop.stored("RAW").await.len();
    write(&bucket, FlowState::Open).await;
    eventually(PATIENCE, async || raw(&shop).await.status == 202).await;

    let refused = refused.expect("there is one");
    assert_eq!(refused.problem(), (429, "overloaded".to_owned()));
    assert!(!refused.header("retry-after").is_empty(), "{refused:?}");
    assert_eq!(shop.stored("RAW").await.len(), before + 1);
    shop.drain().await;
}

#[tokio::test]
async fn lines_wait_for_a_full_stream_and_then_the_rest_is_left_unread() {
    let topology = format!("{}timeout = \"1s\"\n", super::TOPOLOGY).replace(
        "[ingress]\n",
        "[ingress.routes.lines]\npath = \"/lines/{entity}\"\nsubject = \"raw.{entity}\"\n[ingress]\n",
    );
    let builder = support::Runtime::builder(env!("CARGO_BIN_EXE_tidegate-fixture"), &topology).args([
        "run",
        "--ingress",
        "127.0.0.1:0",
    ]);
    let shop = Shop::of(builder).await;
    let begun = tokio::time::Instant::now();

    let answer = shop.lines("/lines/7", "1\n".repeat(10_000)).await;

    assert_eq!(answer.problem().0, 429, "{answer:?}");
    assert!(begun.elapsed() >= Duration::from_secs(1), "it waited for the stream");
    assert_eq!(answer.json()["stored"], json!(2), "{answer:?}");
    assert!(answer.json()["read"].as_u64().is_some_and(|read| read < 10_000), "{answer:?}");
    assert_eq!(shop.stored("RAW").await.len(), 2);
    shop.drain().await;
}
