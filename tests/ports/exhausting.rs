//! Messages that the server gave up: each arrives once, however it was lost, and forgeries do not.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, RetentionPolicy};
use support::{PATIENCE, eventually, read_stream};
use tidegate_runtime::message::ShardPrefix;
use tidegate_runtime::nats::{ExhaustedSettle, ExhaustedSource, Watched, names};
use tidegate_runtime::port::{Arrival, Settle, Settlement, Source};
use tokio::time::timeout;

use super::{ROOM, World, next, sequences};

async fn watching(world: &World) -> (ExhaustedSource, ExhaustedSettle) {
    let config = Config {
        name: "shop-advisories".to_owned(),
        subjects: names::advisory_subjects("ORDERS", "shop-payments").into(),
        ..Config::default()
    };
    world.connection.jetstream().create_stream(config).await.expect("the stream is valid");
    let watched = Watched {
        advisories: "shop-advisories".into(),
        reader: "shop-payments".to_owned(),
        stream: "ORDERS".into(),
        consumer: "shop-payments".to_owned(),
        prefix: ShardPrefix::default(),
        subjects: vec!["orders.{order}.placed".parse().expect("a pattern")],
    };
    let source = ExhaustedSource::new(world.connection.clone(), watched);
    (source, ExhaustedSettle::new(world.connection.clone()))
}

/// Delivers message 1 as often as the consumer allows, and makes the server notice.
async fn exhaust(world: &mut World, deliveries: usize) {
    for _ in 0..deliveries {
        let arrivals = world.take(1).await;
        world.settle(&arrivals[0], Settlement::Nak(Duration::ZERO)).await;
        world.settle.flush().await;
    }
    let quiet = timeout(Duration::from_millis(200), world.source.next(ROOM)).await;
    assert!(quiet.is_err(), "delivered once more than allowed");
}

async fn lost(source: &mut ExhaustedSource) -> Vec<Arrival> {
    next(source, ROOM).await.expect("nothing interrupts")
}

async fn unsettled(source: &mut ExhaustedSource) -> u64 {
    source.pending().await.expect("the broker answers").count
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_message_arrives_with_its_payload() {
    let mut world = World::start(Config::default(), 2).await;
    let (mut source, settle) = watching(&world).await;
    world.publish([7]).await;
    exhaust(&mut world, 2).await;

    let arrivals = lost(&mut source).await;
    settle.settle(&arrivals[0].receipt, Settlement::Ack).await;
    settle.flush().await;

    assert_eq!((sequences(&arrivals), arrivals[0].delivered), (vec![1], 2));
    assert_eq!(&*arrivals[0].message.subject, "orders.7.placed");
    assert_eq!(arrivals[0].message.payload, "7");
    eventually(PATIENCE, async || unsettled(&mut source).await == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_work_queue_lets_go_of_what_was_settled() {
    let stream = Config { retention: RetentionPolicy::WorkQueue, ..Config::default() };
    let mut world = World::start(stream, 2).await;
    let (mut source, settle) = watching(&world).await;
    world.publish([7]).await;
    exhaust(&mut world, 2).await;
    let arrivals = lost(&mut source).await;
    assert_eq!(read_stream(world.connection.jetstream(), "ORDERS").await.len(), 1);

    settle.settle(&arrivals[0].receipt, Settlement::Ack).await;

    eventually(PATIENCE, async || read_stream(world.connection.jetstream(), "ORDERS").await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsettled_arrival_comes_back() {
    let mut world = World::start(Config::default(), 1).await;
    let (mut source, settle) = watching(&world).await;
    world.publish([7]).await;
    exhaust(&mut world, 1).await;

    let arrivals = lost(&mut source).await;
    settle.settle(&arrivals[0].receipt, Settlement::Nak(Duration::ZERO)).await;
    let again = lost(&mut source).await;

    assert_eq!(sequences(&again), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_terms_arrive_and_our_own_do_not() {
    let mut world = World::start(Config::default(), -1).await;
    let (mut source, _) = watching(&world).await;
    world.publish(1..=2).await;
    let arrivals = world.take(2).await;

    world.settle(&arrivals[0], Settlement::Term("failed")).await;
    let foreign = str::from_utf8(&arrivals[1].receipt.0).expect("a subject").to_owned();
    world.connection.client().publish(foreign, "+TERM by hand".into()).await.expect("connected");
    let lost = lost(&mut source).await;

    assert_eq!(sequences(&lost), [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_foreign_advisories_are_settled_and_ignored() {
    let mut world = World::start(Config::default(), 1).await;
    let (mut source, _) = watching(&world).await;
    world.publish([7]).await;
    let [subject, _] = names::advisory_subjects("ORDERS", "shop-payments");
    let forged = |stream: &str, sequence: u64| {
        format!(
            r#"{{"type":"io.nats.jetstream.advisory.v1.max_deliver","stream":"{stream}","consumer":"shop-payments",
            "stream_seq":{sequence},"deliveries":1}}"#
        )
    };
    let client = world.connection.client().clone();
    for body in ["{".to_owned(), forged("OTHER", 1), forged("ORDERS", 99), forged("ORDERS", 2)] {
        client.publish(subject.clone(), body.into()).await.expect("connected");
    }
    exhaust(&mut world, 1).await;
    client.publish("orders.of.another.shape", "{}".into()).await.expect("connected");

    let arrivals = lost(&mut source).await;

    assert_eq!(sequences(&arrivals), [1]);
    eventually(PATIENCE, async || unsettled(&mut source).await == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_broken_headers_can_still_be_read() {
    let mut world = World::start(Config::default(), 1).await;
    let (mut source, _) = watching(&world).await;
    publish_raw(
        &world.server.url(),
        "orders.7.placed",
        "NATS/1.0\r\nthis is no header\r\nCustomer: 7\r\n\r\n",
        "{}",
    )
    .await;

    while timeout(Duration::from_secs(1), world.source.next(ROOM)).await.is_ok() {
        eventually(PATIENCE, async || world.source.pending().await.is_ok()).await;
    }
    eventually(PATIENCE, async || source.pending().await.is_ok()).await;
    let arrivals = lost(&mut source).await;

    assert_eq!(arrivals[0].message.headers.get("Customer"), Some("7"));
    assert_eq!(arrivals[0].message.payload, "{}");
}

/// Publishes what no client library would.
async fn publish_raw(url: &str, subject: &str, headers: &str, payload: &str) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let address = url.strip_prefix("nats://").expect("a nats url");
    let mut socket = tokio::net::TcpStream::connect(address).await.expect("the server listens");
    let (headers_length, length) = (headers.len(), headers.len() + payload.len());
    let commands = format!(
        "CONNECT {{\"verbose\":false,\"headers\":true}}\r\nHPUB {subject} {headers_length} {length}\r\n{headers}{payload}\r\nPING\r\n"
    );
    socket.write_all(commands.as_bytes()).await.expect("the server listens");
    let mut answer = String::new();
    while !answer.contains("PONG") {
        let mut buffer = [0; 4096];
        let read = socket.read(&mut buffer).await.expect("the server answers");
        answer.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
}
