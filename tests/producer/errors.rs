//! Each way in which an event cannot be published.

use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::jetstream::stream::Config;
use support::{NatsServer, PATIENCE};
use tidegate_producer::{ConnectError, Denials, Event, Producer, PublishError};
use tokio::time::timeout;

use super::{Shop, connect, event, make_stream, orders};

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_publish_is_told_at_once() {
    let config = r#"authorization { users = [
        { user: "shop", password: "x", permissions: { publish: { deny: ["orders.*.placed"] } } } ] }"#;
    let server = NatsServer::with_config(config).await;
    let denials = Denials::default();
    let options = ConnectOptions::with_user_and_password("shop".to_owned(), "x".to_owned());
    let client = server.client_with(denials.listen(options)).await;
    let jetstream = async_nats::jetstream::new(client.clone());
    jetstream.create_stream(orders()).await.expect("the stream is valid");
    let builder = Producer::builder(client).denials(&denials).ack_wait(2 * PATIENCE);
    let producer = builder.connect().await.expect("there is no topology");

    let denied =
        timeout(PATIENCE, producer.publish(event(1))).await.expect("told before the ack wait is over");
    let allowed = producer.publish(Event::new("orders.1.paid", "{}")).await;

    let Err(PublishError::Unauthorised { subject, reason }) = denied else { panic!("{denied:?}") };
    assert_eq!(subject, "orders.1.placed");
    assert!(reason.to_lowercase().contains("permissions violation"), "{reason}");
    assert!(allowed.is_ok(), "{allowed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_without_a_stream_is_named() {
    let shop = Shop::open().await;
    let producer = shop.producer().await;

    let refused = producer.publish(Event::new("refunds.1", "{}")).await;

    assert_eq!(refused, Err(PublishError::NoStream { subject: "refunds.1".to_owned() }));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_names_the_limit_that_is_broken() {
    let server = NatsServer::start().await;
    make_stream(&server, Config { max_message_size: 400, ..orders() }).await;
    let producer = connect(server.client().await, |builder| builder).await;

    let for_the_stream = producer.publish(Event::new("orders.1.placed", vec![b'x'; 500])).await;
    let for_the_server = producer.publish(Event::new("orders.1.placed", vec![b'x'; 2 << 20])).await;

    assert_eq!(for_the_stream, Err(PublishError::TooLarge { bytes: 500, limit: 400 }));
    assert!(
        matches!(for_the_server, Err(PublishError::TooLarge { limit: 1_048_576, .. })),
        "{for_the_server:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_would_obey_is_not_sent() {
    let shop = Shop::open().await;
    let producer = shop.producer().await;

    let deletion = producer.publish(Event::new("$JS.API.STREAM.DELETE.ORDERS", "")).await;
    let rollup = producer.publish(event(1).header("Nats-Rollup", "all")).await;

    assert!(matches!(deletion, Err(PublishError::BadSubject { .. })), "{deletion:?}");
    assert!(matches!(rollup, Err(PublishError::BadHeader { .. })), "{rollup:?}");
    assert_eq!(shop.stored().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_leaves_the_outcome_unknown() {
    let shop = Shop::open().await;
    let producer = shop
        .producer_with(|builder| {
            builder.ack_wait(Duration::from_millis(100)).resend(Duration::from_millis(300))
        })
        .await;

    shop.server.freeze();
    let waited = timeout(PATIENCE, producer.publish(event(1))).await.expect("in time");
    let tried = timeout(PATIENCE, producer.try_publish(event(2))).await.expect("in time");
    shop.server.thaw();

    assert!(matches!(waited, Err(PublishError::Unknown { .. })), "{waited:?}");
    assert!(matches!(tried, Err(PublishError::Unknown { .. })), "{tried:?}");
    let again = producer.publish(event(1)).await;
    assert!(again.is_ok(), "{again:?}");
    let mut stored = super::payloads(&shop.jetstream).await;
    stored.retain(|payload| payload.contains("\"number\":1}"));
    assert_eq!(stored.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topology_that_cannot_be_is_refused() {
    let server = NatsServer::start().await;

    for name in ["", "a.b", "a b", "*"] {
        let refused = Producer::builder(server.client().await).topology(name).connect().await;
        assert!(matches!(refused, Err(ConnectError::BadTopology { .. })), "{name:?} was let through");
    }
}
