//! Streams with several shards: who gets which message, and how their number is changed.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::jetstream::consumer::PriorityPolicy;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Config;
use support::{NatsServer, publish};
use tidegate_runtime::message::partition::shard_of;
use tidegate_runtime::nats::provision::Warning;
use tidegate_runtime::nats::{Connection, Provisioned, names};
use tidegate_runtime::topology::{Origin, Retention, Topology};

use super::shop::{connected, different, provisioned, shop, split_shop, stream_mut};

async fn place_orders(connection: &Connection, orders: impl IntoIterator<Item = u32>) {
    let messages =
        orders.into_iter().map(|order| (format!("orders.{order}.placed"), PublishMessage::build()));
    publish(connection.jetstream(), messages).await;
}

/// How many messages wait for each consumer of the actor `payments`.
async fn waiting(connection: &Connection, topology: &Topology) -> BTreeMap<u32, u64> {
    let stream = connection.jetstream().get_stream("ORDERS").await.expect("it was created");
    let actor = &topology.actors["payments"];
    let mut waiting = BTreeMap::new();
    for shard in 0..actor.shards {
        let consumer = names::consumer(&topology.name, actor, shard);
        let info = stream.consumer_info(consumer).await.expect("it was created");
        waiting.insert(shard, info.num_pending);
    }
    waiting
}

/// Splits the stream as an operator does.
async fn edit(connection: &Connection, change: impl FnOnce(&mut Config)) {
    let stream = connection.jetstream().get_stream("ORDERS").await.expect("it was created");
    let mut config = stream.cached_info().config.clone();
    change(&mut config);
    connection.jetstream().update_stream(config).await.expect("a stream can be changed");
}

#[tokio::test]
async fn every_shard_has_a_consumer_with_an_owner() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    let mut topology = split_shop(2);
    topology.failover = Duration::from_secs(7);

    let first = provisioned(&connection, &topology).await.expect("an empty server differs in nothing");
    let second = provisioned(&connection, &topology).await.expect("what we created differs in nothing");

    let consumers = ["payments-0", "payments-1", "stock-0", "stock-1"]
        .map(|name| format!("consumer `shop-{name}` of stream `ORDERS`"));
    assert!(first.created.ends_with(&consumers), "{:?}", first.created);
    assert_eq!(second, Provisioned::default());
    let stream = connection.jetstream().get_stream("ORDERS").await.expect("it was created");
    let consumer = stream.consumer_info("shop-payments-1").await.expect("it was created").config;
    assert_eq!(consumer.filter_subjects, ["1.of.2.orders.*.placed"]);
    assert_eq!(consumer.priority_policy, PriorityPolicy::PinnedClient);
    assert_eq!(consumer.priority_groups, ["owner"]);
    assert_eq!(consumer.priority_timeout, topology.failover);
    let advisories = connection.jetstream().get_stream("shop-advisories").await.expect("it was created");
    assert_eq!(advisories.cached_info().config.subjects.len(), 8);
}

#[tokio::test]
async fn every_message_is_in_the_shard_of_its_key_however_it_is_retained() {
    for retention in [Retention::Limits, Retention::WorkQueue, Retention::Interest] {
        let server = NatsServer::start().await;
        let connection = connected(&server).await;
        let mut topology = split_shop(4);
        stream_mut(&mut topology, "ORDERS").retention = retention;
        provisioned(&connection, &topology).await.expect("an empty server differs in nothing");

        place_orders(&connection, 0..200).await;

        let mut expected = BTreeMap::new();
        for order in 0..200 {
            *expected.entry(shard_of(&order.to_string(), 4)).or_default() += 1_u64;
        }
        assert_eq!(waiting(&connection, &topology).await, expected, "{retention:?}");
    }
}

#[tokio::test]
async fn another_number_of_shards_is_refused_until_all_is_handled() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    provisioned(&connection, &shop()).await.expect("an empty server differs in nothing");
    place_orders(&connection, [1]).await;
    let split = split_shop(4);

    let unsplit = provisioned(&connection, &split).await.expect_err("the stream has one shard");
    let transform = split.streams["ORDERS"].shard_token().expect("it has a named token");
    edit(&connection, |config| {
        config.subject_transform = Some(async_nats::jetstream::stream::SubjectTransform {
            source: transform.source(),
            destination: transform.destination(4),
        });
    })
    .await;
    let unhandled = different(provisioned(&connection, &split).await);
    let stream = connection.jetstream().get_stream("ORDERS").await.expect("it was created");
    stream.purge().await.expect("a stream can be purged");
    let handled = provisioned(&connection, &split).await.expect("nothing is left to do");
    place_orders(&connection, [1]).await;

    assert!(unsplit.to_string().contains("stream `ORDERS`: shards is 1, the topology needs 4"), "{unsplit}");
    assert!(unsplit.cure().contains("Changing the number of shards"), "{}", unsplit.cure());
    assert_eq!(unhandled, ["consumer `shop-payments` of stream `ORDERS`: unhandled"]);
    let leftover = |name: &str| Warning::Leftover { consumer: name.to_owned() };
    assert_eq!(handled.warnings, [leftover("shop-payments"), leftover("shop-stock")]);
    assert_eq!(waiting(&connection, &split).await.values().sum::<u64>(), 1);
}

#[tokio::test]
async fn consumers_of_another_number_of_shards_get_nothing_that_was_handled() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    let (before, after) = (split_shop(2), split_shop(4));
    provisioned(&connection, &before).await.expect("an empty server differs in nothing");
    place_orders(&connection, 0..20).await;

    let transform = after.streams["ORDERS"].shard_token().expect("it has a named token");
    edit(&connection, |config| {
        let split = config.subject_transform.as_mut().expect("the stream is split");
        split.destination = transform.destination(4);
    })
    .await;
    let stream = connection.jetstream().get_stream("ORDERS").await.expect("it was created");
    for consumer in ["shop-payments-0", "shop-payments-1", "shop-stock-0", "shop-stock-1"] {
        stream.delete_consumer(consumer).await.expect("a consumer can be deleted");
    }
    provisioned(&connection, &after).await.expect("what an operator did is what we need");
    place_orders(&connection, 20..25).await;

    assert_eq!(waiting(&connection, &after).await.values().sum::<u64>(), 5);
}

#[tokio::test]
async fn an_external_stream_has_the_shards_that_its_owner_gave_it() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    provisioned(&connection, &split_shop(4)).await.expect("an empty server differs in nothing");
    let external = |shards| {
        let mut topology = split_shop(shards);
        topology.name = "audit".parse().expect("a valid name");
        stream_mut(&mut topology, "ORDERS").origin = Origin::External;
        topology
    };

    let unsplit = different(provisioned(&connection, &external(1)).await);
    let otherwise = different(provisioned(&connection, &external(2)).await);
    let same = provisioned(&connection, &external(4)).await;

    assert_eq!(
        (unsplit, otherwise),
        (vec!["stream `ORDERS`: shards".to_owned()], vec!["stream `ORDERS`: shards".to_owned()])
    );
    assert!(same.is_ok(), "{same:?}");
}
