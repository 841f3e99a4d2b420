//! A stream with several shards: nobody sees what the server puts before the subjects.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::{Config, SubjectTransform};
use support::{PATIENCE, eventually};
use tidegate::subject::Pattern;
use tidegate_runtime::message::ShardPrefix;
use tidegate_runtime::message::partition::shard_of;
use tidegate_runtime::nats::{ExhaustedSource, NatsSource, Shard, Watched, names};
use tidegate_runtime::port::{Settlement, Source};
use tidegate_runtime::topology::ShardToken;

use super::{ROOM, World, next, shard};

const SHARDS: u32 = 2;

/// A world whose stream is split by the order, and whose source pulls the shard of order `7`.
async fn split(max_deliver: i64) -> (World, ShardPrefix) {
    let pattern: Pattern = "orders.{order}.*".parse().expect("a pattern");
    let token = ShardToken::of([&pattern]).expect("it has a named token");
    let transform = SubjectTransform { source: token.source(), destination: token.destination(SHARDS) };
    let stream = Config { subject_transform: Some(transform), ..Config::default() };
    let mut world = World::start(stream, max_deliver).await;
    let prefix = ShardPrefix::of(shard_of("7", SHARDS), SHARDS);
    let mut ours = Shard { prefix, ..shard(max_deliver, &world.floor) };
    ours.consumer.filter_subjects = vec![prefix.before("orders.*.placed")];
    ours.consumer.durable_name = Some("shop-payments-split".to_owned());
    world.source = NatsSource::new(world.connection.clone(), ours);
    world.source.pending().await.expect("the consumer can be made");
    (world, prefix)
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_arrive_with_the_subject_they_were_published_to() {
    let (mut world, _) = split(-1).await;
    let numbers = 0..20;
    let ours: Vec<u64> = numbers
        .clone()
        .filter(|number| shard_of(&number.to_string(), SHARDS) == shard_of("7", SHARDS))
        .collect();

    world.publish(numbers).await;
    let arrivals = world.take(ours.len()).await;

    let subjects: Vec<&str> = arrivals.iter().map(|arrival| &*arrival.message.subject).collect();
    let expected: Vec<String> = ours.iter().map(|number| format!("orders.{number}.placed")).collect();
    assert_eq!(subjects, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_message_has_the_subject_it_was_published_to() {
    let (mut world, prefix) = split(1).await;
    let advisories = Config {
        name: "shop-advisories".to_owned(),
        subjects: names::advisory_subjects("ORDERS", "shop-payments-split").into(),
        ..Config::default()
    };
    world.connection.jetstream().create_stream(advisories).await.expect("the stream is valid");
    let watched = Watched {
        advisories: "shop-advisories".into(),
        reader: "shop-payments-split".to_owned(),
        stream: Arc::from("ORDERS"),
        consumer: "shop-payments-split".to_owned(),
        prefix,
        subjects: vec!["orders.{order}.placed".parse().expect("a pattern")],
    };
    let mut lost = ExhaustedSource::new(world.connection.clone(), watched);
    world.publish([7]).await;

    let arrivals = world.take(1).await;
    world.settle(&arrivals[0], Settlement::Nak(Duration::ZERO)).await;
    let quiet = tokio::time::timeout(Duration::from_millis(200), world.source.next(ROOM)).await;
    assert!(quiet.is_err(), "delivered once more than allowed");
    eventually(PATIENCE, async || lost.pending().await.is_ok()).await;
    let exhausted = next(&mut lost, ROOM).await.expect("nothing interrupts");

    assert_eq!(&*exhausted[0].message.subject, "orders.7.placed");
}
