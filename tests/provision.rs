//! Provisioning: what is missing is created, what differs is reported and left alone.

mod foreign;
mod shards;
mod shop;

use std::time::Duration;

use async_nats::jetstream::consumer::AckPolicy;
use async_nats::jetstream::stream::DiscardPolicy;
use support::NatsServer;
use tidegate_runtime::nats::{ProvisionError, Provisioned, names};
use tidegate_runtime::topology::Retention;

use self::shop::{connected, different, provisioned, shop, stream_mut};

#[tokio::test]
async fn creates_what_is_missing_and_then_nothing() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    let topology = shop();

    let first = provisioned(&connection, &topology).await.expect("an empty server differs in nothing");
    let second = provisioned(&connection, &topology).await.expect("what we created differs in nothing");

    assert_eq!(
        first.created,
        [
            "stream `ORDERS`",
            "stream `shop-dead-letters`",
            "stream `shop-advisories`",
            "stream `KV_shop-members`",
            "stream `KV_shop-flow`",
            "stream `KV_shop-controls`",
            "stream `KV_shop-owners`",
            "stream `KV_shop-attempts`",
            "stream `KV_shop-stock-state`",
            "consumer `shop-payments` of stream `ORDERS`",
            "consumer `shop-stock` of stream `ORDERS`",
        ]
    );
    assert_eq!(second, Provisioned::default());
}

#[tokio::test]
async fn what_it_creates_is_what_the_topology_says() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    let topology = shop();

    provisioned(&connection, &topology).await.expect("an empty server differs in nothing");

    let stream = connection.jetstream().get_stream("ORDERS").await.expect("it was created");
    let config = &stream.cached_info().config;
    assert_eq!((config.max_bytes, config.max_age), (64 << 20, Duration::from_hours(24)));
    assert_eq!(config.discard, DiscardPolicy::New);
    let consumer = stream.consumer_info("shop-stock").await.expect("it was created").config;
    let actor = &topology.actors["stock"];
    assert_eq!(consumer.ack_policy, AckPolicy::Explicit);
    assert_eq!(consumer.max_deliver, i64::from(actor.max_deliver + actor.handovers));
    assert_eq!(usize::try_from(consumer.max_ack_pending), Ok(actor.window));
    assert_eq!(consumer.filter_subjects, ["orders.*.paid", "orders.*.cancelled"]);
    let bucket = names::state_bucket(&topology.name, &actor.name);
    let state = connection.jetstream().get_key_value(&bucket).await.expect("it was created");
    let revision = state.put("SKU-1", "7".into()).await.expect("a state can be written");
    state.update("SKU-1", "8".into(), revision).await.expect("a state can be replaced");
    for (bucket, age) in [
        (names::members_bucket(&topology.name), Duration::from_mins(1)),
        (names::attempts_bucket(&topology.name), Duration::from_hours(24)),
    ] {
        let bucket = connection.jetstream().get_key_value(&bucket).await.expect("it was created");
        assert_eq!(bucket.status().await.expect("the server answers").max_age(), age);
        assert_eq!(bucket.status().await.expect("the server answers").history(), 1);
    }
}

#[tokio::test]
async fn reports_all_differences_at_once_and_changes_nothing() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    let mut topology = shop();
    provisioned(&connection, &topology).await.expect("an empty server differs in nothing");

    stream_mut(&mut topology, "ORDERS").max_bytes = None;
    let actor = topology.actors.get_mut("payments").expect("the topology has the actor");
    actor.ack_wait += Duration::from_secs(1);
    actor.window *= 2;
    topology.dead_letters.max_messages = Some(10);
    let differences = different(provisioned(&connection, &topology).await);

    assert_eq!(
        differences,
        [
            "stream `ORDERS`: max_bytes",
            "stream `shop-dead-letters`: max_messages",
            "consumer `shop-payments` of stream `ORDERS`: ack_wait",
            "consumer `shop-payments` of stream `ORDERS`: window",
        ]
    );
    let stream = connection.jetstream().get_stream("ORDERS").await.expect("it is still there");
    assert_eq!(stream.cached_info().config.max_bytes, 64 << 20);
}

#[tokio::test]
async fn the_advisory_stream_grows_with_the_topology() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    let mut smaller = shop();
    smaller.actors.remove("stock");

    provisioned(&connection, &smaller).await.expect("an empty server differs in nothing");
    let grown = provisioned(&connection, &shop()).await.expect("another actor is no difference");
    let shrunk = provisioned(&connection, &smaller).await.expect("an actor less is no difference");

    assert_eq!(grown.extended, ["stream `shop-advisories`"]);
    assert_eq!(shrunk, Provisioned::default());
    let stream = connection.jetstream().get_stream("shop-advisories").await.expect("it was created");
    assert_eq!(stream.cached_info().config.subjects.len(), 4);
}

#[tokio::test]
async fn a_work_queue_feeds_actors_that_share_no_subject() {
    let server = NatsServer::start().await;
    let connection = connected(&server).await;
    let mut topology = shop();
    stream_mut(&mut topology, "ORDERS").retention = Retention::WorkQueue;

    let first = provisioned(&connection, &topology).await;
    let second = provisioned(&connection, &topology).await;

    assert!(first.is_ok(), "{first:?}");
    assert_eq!(second.ok(), Some(Provisioned::default()));
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let config = "authorization { users: [{ user: a, password: a, permissions: { \
                  publish: { deny: \"$JS.API.STREAM.CREATE.>\" } } }] }\nno_auth_user: a";
    let server = NatsServer::with_config(config).await;
    let connection = connected(&server).await;

    let error = provisioned(&connection, &shop()).await.expect_err("we may not create streams");

    assert!(matches!(&error, ProvisionError::Denied { .. }), "{error:?}");
    assert!(error.to_string().contains("$JS.API.STREAM.CREATE.ORDERS"), "{error}");
}
