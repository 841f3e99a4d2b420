//! What makes a pull unreliable is noticed, and the source goes on afterwards.

use std::time::Duration;

use async_nats::jetstream::stream::Config;
use support::{PATIENCE, eventually};
use tidegate_runtime::nats::ConnectOptions;
use tidegate_runtime::port::{Settle, Settlement, Source, SourceError};
use tidegate_runtime::topology::Secret;
use tokio::time::timeout;

use super::{ROOM, World, connected_as, interruption, keep_floor, next, sequences, shard};

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_restart_interrupts_and_nothing_is_lost() {
    let mut world = World::start(Config::default(), -1).await;
    world.publish(1..=10).await;
    let held = world.take(10).await;

    world.server.restart().await;
    let reason = interruption(&mut world.source).await;
    let mut pending = world.source.pending().await;
    while pending.is_err() {
        pending = world.source.pending().await;
    }
    let pending = pending.expect("the broker is back");
    for arrival in &held {
        world.settle(arrival, Settlement::Ack).await;
    }
    world.settle.flush().await;
    world.publish(11..=20).await;
    let mut arrivals = Vec::new();
    while sequences(&arrivals).last() != Some(&20) {
        arrivals.extend(world.take(1).await);
    }

    assert!(reason.contains("connection"), "{reason}");
    // A server that is killed forgets what it delivered in its last 100 ms, and delivers that again.
    assert!(pending.count <= 10 && pending.last <= 10, "{pending:?}");
    let fresh: Vec<u64> = sequences(&arrivals).into_iter().filter(|sequence| *sequence > 10).collect();
    assert_eq!(fresh, (11..=20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_consumer_is_made_anew_from_the_floor() {
    let mut world = World::start(Config::default(), -1).await;
    world.publish(1..=10).await;
    let arrivals = world.take(10).await;
    for arrival in &arrivals[..4] {
        world.settle(arrival, Settlement::Ack).await;
    }
    world.settle.flush().await;
    keep_floor(&world.floor, 5);
    assert!(timeout(Duration::from_millis(100), world.source.next(ROOM)).await.is_err());

    let stream = world.connection.jetstream().get_stream("ORDERS").await.expect("the stream exists");
    stream.delete_consumer("shop-payments").await.expect("the consumer exists");
    let reason = interruption(&mut world.source).await;
    let pending = world.source.pending().await.expect("the consumer can be made");
    let again = world.take(6).await;

    assert!(reason.contains("Consumer Deleted"), "{reason}");
    assert_eq!((pending.floor, pending.count), (4, 0));
    assert_eq!(sequences(&again), [5, 6, 7, 8, 9, 10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_gone_before_the_request_interrupts() {
    let mut world = World::start(Config::default(), -1).await;
    let stream = world.connection.jetstream().get_stream("ORDERS").await.expect("the stream exists");
    stream.delete_consumer("shop-payments").await.expect("the consumer exists");

    let reason = interruption(&mut world.source).await;
    world.source.pending().await.expect("the consumer can be made");
    world.publish([1]).await;

    assert!(reason.contains("does not exist"), "{reason}");
    assert_eq!(sequences(&world.take(1).await), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_broker_interrupts() {
    let mut world = World::start(Config::default(), -1).await;
    assert!(timeout(Duration::from_millis(100), world.source.next(ROOM)).await.is_err());

    world.server.freeze();
    let reason = interruption(&mut world.source).await;
    let frozen = world.source.pending().await;
    world.server.thaw();
    eventually(PATIENCE, async || world.source.pending().await.is_ok()).await;
    world.publish([1]).await;

    assert!(reason.contains("silent") || reason.contains("connection"), "{reason}");
    assert!(matches!(frozen, Err(SourceError::Unavailable(_))), "{frozen:?}");
    assert_eq!(sequences(&world.take(1).await), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_named() {
    let config = r#"authorization { users = [ { user: "shop", password: "x",
        permissions: { publish: { deny: ["$JS.API.CONSUMER.INFO.>"] } } } ] }"#;
    let server = support::NatsServer::with_config(config).await;
    let options = ConnectOptions {
        user: Some("shop".to_owned()),
        password: Some(Secret::new("x".to_owned())),
        ..ConnectOptions::default()
    };
    let connection = connected_as(&server, options).await;
    let orders =
        Config { name: "ORDERS".to_owned(), subjects: vec!["orders.>".to_owned()], ..Config::default() };
    connection.jetstream().create_stream(orders).await.expect("the stream is created");
    let mut source =
        tidegate_runtime::nats::NatsSource::new(connection, shard(-1, &std::sync::Arc::default()));

    let denied = source.pending().await;

    let Err(SourceError::Denied(reason)) = denied else { panic!("{denied:?}") };
    assert!(reason.contains("Permissions Violation"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_stream_is_named() {
    let server = support::NatsServer::start().await;
    let connection = super::connected(&server).await;
    let mut source =
        tidegate_runtime::nats::NatsSource::new(connection, shard(-1, &std::sync::Arc::default()));

    let denied = source.pending().await;

    assert!(matches!(&denied, Err(SourceError::Denied(reason)) if reason.contains("`ORDERS`")), "{denied:?}");
    assert!(matches!(next(&mut source, ROOM).await, Err(SourceError::Interrupted(_))));
}
