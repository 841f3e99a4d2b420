//! A consumer that has messages for a source and does not deliver them is noticed, and the source gets them afterwards.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{PriorityPolicy, pull};
use async_nats::jetstream::stream::Config;
use support::{Proxy, Traffic};
use tidegate_runtime::nats::{GROUP, NatsSource, Shard};
use tidegate_runtime::port::{Arrival, Settlement, Source, SourceError, Tenure};

use super::{ROOM, World, connected_to, next, sequences, shard};

/// A source that pulls through a proxy.
async fn behind(proxy: &Proxy, shard: Shard) -> NatsSource {
    NatsSource::new(connected_to(&proxy.url()).await, shard)
}

fn pinned_shard(world: &World) -> Shard {
    let failover = Duration::from_secs(2);
    let plain = shard(-1, &world.floor);
    let consumer = pull::Config {
        durable_name: Some("shop-pinned".to_owned()),
        priority_policy: PriorityPolicy::PinnedClient,
        priority_groups: vec![GROUP.to_owned()],
        priority_timeout: failover,
        ..plain.consumer
    };
    Shard { consumer, tenure: Arc::new(Tenure::new(failover)), ..plain }
}

/// Waits until the source has stalled, and returns why.
async fn stall(source: &mut NatsSource) -> String {
    match next(source, ROOM).await {
        Err(SourceError::Stalled(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

async fn take(source: &mut NatsSource, count: usize) -> Vec<Arrival> {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.extend(next(source, ROOM).await.expect("nothing interrupts"));
    }
    taken
}

async fn created(world: &World) -> i128 {
    let stream = world.connection.jetstream().get_stream("ORDERS").await.expect("the stream exists");
    let info = stream.consumer_info("shop-payments").await.expect("the consumer exists");
    info.created.unix_timestamp_nanos()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_that_is_not_delivered_leads_to_a_fresh_pull_and_then_to_a_fresh_consumer() {
    let world = World::start(Config::default(), -1).await;
    let proxy = Proxy::start(&world.server).await;
    let mut source = behind(&proxy, shard(-1, &world.floor)).await;
    source.pending().await.expect("the consumer exists");
    let first = created(&world).await;

    proxy.set(Traffic::LosesToServer("CONSUMER.MSG.NEXT"));
    world.publish(1..=5).await;
    let reason = stall(&mut source).await;
    let after_one = created(&world).await;
    source.pending().await.expect("the broker answers");
    stall(&mut source).await;
    let after_two = created(&world).await;
    proxy.set(Traffic::Flows);
    source.pending().await.expect("the broker answers");
    let arrivals = take(&mut source, 5).await;

    assert!(reason.contains("has 5 messages"), "{reason}");
    assert_eq!(after_one, first);
    assert!(after_two > first);
    assert_eq!(sequences(&arrivals), [1, 2, 3, 4, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_that_do_not_arrive_are_claimed_long_before_their_lease_ends() {
    let world = World::start(Config::default(), -1).await;
    let proxy = Proxy::start(&world.server).await;
    let mut source = behind(&proxy, pinned_shard(&world)).await;
    world.publish([1]).await;
    let mut arrivals = source.acquire().await.expect("nobody else pulls");
    if arrivals.is_empty() {
        arrivals = take(&mut source, 1).await;
    }
    world.settle(&arrivals[0], Settlement::Ack).await;
    assert_eq!(sequences(&arrivals), [1]);

    proxy.set(Traffic::LosesToClient("$JS.ACK."));
    world.publish(2..=4).await;
    let reason = stall(&mut source).await;
    proxy.set(Traffic::Flows);
    source.acquire().await.expect("the pin is ours");
    let pending = source.pending().await.expect("the pin is ours");
    source.claim(&[2, 3, 4]).await.expect("the broker answers");
    let again = take(&mut source, 3).await;

    assert!(reason.contains("3 deliveries"), "{reason}");
    assert_eq!((pending.floor, pending.last, pending.count), (1, 4, 3));
    assert_eq!(sequences(&again), [2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_consumer_is_not_stalled() {
    let mut world = World::start(Config::default(), -1).await;
    let stream = world.connection.jetstream().get_stream("ORDERS").await.expect("the stream exists");
    let info = stream.consumer_info("shop-payments").await.expect("the consumer exists");
    let until = info.created + Duration::from_secs(15);
    stream.pause_consumer("shop-payments", until).await.expect("the consumer can be paused");
    world.publish(1..=5).await;

    let arrivals = world.take(5).await;

    assert_eq!(sequences(&arrivals), [1, 2, 3, 4, 5]);
}
