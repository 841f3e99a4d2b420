//! Pulling and settling: what arrives, what comes back, what ends.

use std::time::{Duration, SystemTime};

use async_nats::HeaderMap;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Config;
use support::{PATIENCE, eventually, publish};
use tidegate_runtime::port::{Pending, Room, Settle, Settlement, Source};
use tokio::time::timeout;

use super::{ROOM, World, next, sequences};

#[tokio::test(flavor = "multi_thread")]
async fn arrivals_are_what_was_published() {
    let mut world = World::start(Config::default(), -1).await;
    let mut headers = HeaderMap::new();
    headers.append("Customer", "7");
    headers.append("Customer", "8");
    let message = PublishMessage::build().payload("{}".into()).headers(headers);
    publish(world.connection.jetstream(), [("orders.42.placed".to_owned(), message)]).await;

    let arrivals = world.take(1).await;

    let arrival = &arrivals[0];
    assert_eq!((&*arrival.message.subject, &*arrival.message.stream), ("orders.42.placed", "ORDERS"));
    assert_eq!((arrival.message.sequence, arrival.delivered), (1, 1));
    assert_eq!(arrival.message.payload, "{}");
    assert_eq!(arrival.message.headers.iter().collect::<Vec<_>>(), [("Customer", "7"), ("Customer", "8")]);
    let age = SystemTime::now().duration_since(arrival.message.published).expect("published before now");
    assert!(age < PATIENCE, "{age:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_arrives_in_order_and_acks_empty_it() {
    let mut world = World::start(Config::default(), -1).await;
    world.publish(1..=5000).await;

    let arrivals = world.take(5000).await;
    for arrival in &arrivals {
        world.settle(arrival, Settlement::Ack).await;
    }
    world.settle.flush().await;

    assert_eq!(sequences(&arrivals), (1..=5000).collect::<Vec<_>>());
    let pending = world.source.pending().await.expect("the broker answers");
    assert_eq!(pending, Pending { floor: 5000, last: 5000, count: 0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn room_bounds_what_is_asked_for() {
    let mut world = World::start(Config::default(), -1).await;
    world.publish(1..=100).await;
    let three = Room { messages: 3, ..ROOM };

    let mut arrivals = next(&mut world.source, three).await.expect("nothing interrupts");
    while arrivals.len() < 3 {
        arrivals.extend(
            next(&mut world.source, Room { messages: 3 - arrivals.len(), ..ROOM }).await.expect("no fault"),
        );
    }
    let without_room =
        timeout(Duration::from_millis(300), world.source.next(Room { messages: 0, ..ROOM })).await;

    assert_eq!(sequences(&arrivals), [1, 2, 3]);
    assert!(without_room.is_err(), "asked for more than there is room for");
    assert_eq!(world.source.pending().await.expect("the broker answers").last, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_call_loses_nothing() {
    let mut world = World::start(Config::default(), -1).await;
    let mut arrivals = Vec::new();

    for number in 1..=200 {
        let cancelled = timeout(Duration::from_micros(number % 7 * 100), world.source.next(ROOM)).await;
        arrivals.extend(cancelled.unwrap_or_else(|_| Ok(Vec::new())).expect("nothing interrupts"));
        world.publish([number]).await;
    }
    arrivals.extend(world.take(200 - arrivals.len()).await);

    assert_eq!(sequences(&arrivals), (1..=200).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_message_passes_after_many_small_ones() {
    let mut world = World::start(Config::default(), -1).await;
    world.publish(1..=2000).await;
    let limit = world.connection.client().max_payload();
    let large = PublishMessage::build().payload(vec![b'x'; limit].into());
    publish(world.connection.jetstream(), [("orders.2001.placed".to_owned(), large.clone())]).await;
    publish(world.connection.jetstream(), [("orders.2002.placed".to_owned(), large)]).await;

    let arrivals = world.take(2002).await;

    assert_eq!(sequences(&arrivals), (1..=2002).collect::<Vec<_>>());
    assert!(arrivals[2000..].iter().all(|arrival| arrival.message.payload.len() == limit));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nak_brings_it_back_after_the_delay_and_a_term_does_not() {
    let mut world = World::start(Config::default(), -1).await;
    world.publish(1..=2).await;
    let arrivals = world.take(2).await;

    world.settle(&arrivals[0], Settlement::Nak(Duration::from_millis(300))).await;
    world.settle(&arrivals[1], Settlement::Term("failed")).await;
    world.settle.flush().await;
    let started = std::time::Instant::now();
    let again = world.take(1).await;

    assert_eq!((sequences(&again), again[0].delivered), (vec![1], 2));
    assert!(started.elapsed() >= Duration::from_millis(250), "{:?}", started.elapsed());
    let pending = world.source.pending().await.expect("the broker answers");
    assert_eq!(pending.count, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn claimed_messages_come_back_in_order_before_newer_ones() {
    let mut world = World::start(Config::default(), -1).await;
    world.publish(1..=20).await;
    let arrivals = world.take(12).await;
    for arrival in arrivals.iter().filter(|arrival| arrival.message.sequence % 3 == 0) {
        world.settle(arrival, Settlement::Ack).await;
    }
    world.settle.flush().await;

    let pending = world.source.pending().await.expect("the broker answers");
    let unsettled: Vec<u64> = (pending.floor + 1..=pending.last).collect();
    world.source.claim(&unsettled).await.expect("the broker answers");
    let again = world.take(16).await;

    assert_eq!(pending, Pending { floor: 0, last: 12, count: 8 });
    let expected: Vec<u64> = [1, 2, 4, 5, 7, 8, 10, 11].into_iter().chain(13..=20).collect();
    assert_eq!(sequences(&again), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_gives_out_what_was_on_its_way_and_then_ends() {
    let mut world = World::start(Config::default(), -1).await;
    world.publish(1..=3000).await;
    let mut arrivals = next(&mut world.source, ROOM).await.expect("nothing interrupts");

    world.source.close().await;
    loop {
        let batch = next(&mut world.source, ROOM).await.expect("nothing interrupts");
        if batch.is_empty() {
            break;
        }
        arrivals.extend(batch);
    }

    let pending = world.source.pending().await.expect("the broker answers");
    assert_eq!(sequences(&arrivals), (1..=pending.last).collect::<Vec<_>>(), "delivered in vain");
    assert_eq!(pending.count, pending.last);
    assert!((512..=1024).contains(&pending.last), "asked for {}", pending.last);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_source_still_receives_what_it_has_asked_for() {
    let mut world = World::start(Config::default(), -1).await;
    assert!(timeout(Duration::from_millis(100), world.source.next(ROOM)).await.is_err());
    let jetstream = world.connection.jetstream().clone();
    let message = PublishMessage::build().payload("{}".into());

    world.source.close().await;
    let published = publish(&jetstream, [("orders.1.placed".to_owned(), message)]);
    let (arrivals, ()) = tokio::join!(next(&mut world.source, ROOM), published);
    let end = next(&mut world.source, ROOM).await.expect("nothing interrupts");

    assert_eq!(sequences(&arrivals.expect("nothing interrupts")), [1]);
    assert!(end.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn flushed_settlements_have_been_handled() {
    let mut world = World::start(Config::default(), -1).await;
    for round in 1..=20 {
        world.publish((round - 1) * 500 + 1..=round * 500).await;
        for arrival in world.take(500).await {
            world.settle(&arrival, Settlement::Ack).await;
        }

        let started = std::time::Instant::now();
        world.settle.flush().await;
        assert!(started.elapsed() < Duration::from_secs(4), "no answer");

        let pending = world.source.pending().await.expect("the broker answers");
        assert_eq!(pending, Pending { floor: round * 500, last: round * 500, count: 0 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_source_stays_alive() {
    let mut world = World::start(Config::default(), -1).await;

    let idle = timeout(Duration::from_secs(14), world.source.next(ROOM)).await;
    assert!(idle.is_err(), "interrupted while idle: {:?}", idle.map(|batch| batch.map(|batch| batch.len())));
    world.publish([1]).await;
    let arrivals = world.take(1).await;

    assert_eq!(sequences(&arrivals), [1]);
    eventually(PATIENCE, async || world.connection.client().flush().await.is_ok()).await;
}
