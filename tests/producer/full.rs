//! A stream without room.

use std::time::Duration;

use async_nats::jetstream::stream::Config;
use futures_util::{StreamExt, stream};
use support::{NatsServer, PATIENCE, eventually, read_stream};
use tidegate_producer::{FlowState, Producer, PublishError};
use tokio::time::timeout;

use super::{STREAM, Shop, connect, event, flow, make_stream, orders, payloads, until};

fn small(messages: i64) -> Config {
    Config { max_messages: messages, ..orders() }
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_for_room_and_loses_nothing() {
    let server = NatsServer::start().await;
    let jetstream = make_stream(&server, small(10)).await;
    let producer = connect(server.client().await, |builder| builder.window(64)).await;

    let publishing = tokio::spawn(async move {
        let results = producer.publish_all(stream::iter((0..100).map(event)));
        let stored = results.filter(|result| std::future::ready(result.is_ok())).count().await;
        (stored, producer.throttled())
    });
    let mut seen = Vec::new();
    let stream = jetstream.get_stream(STREAM).await.expect("the stream is there");
    while seen.len() < 100 {
        eventually(PATIENCE, async || super::count(&jetstream).await > 0).await;
        let batch = read_stream(&jetstream, STREAM).await;
        let last = batch.last().expect("there is one").sequence;
        seen.extend(batch.iter().map(|message| String::from_utf8_lossy(&message.payload).into_owned()));
        stream.purge().sequence(last + 1).await.expect("the server answers");
    }
    let (stored, throttled) = timeout(PATIENCE, publishing).await.expect("all are stored").expect("no panic");

    assert_eq!((stored, seen.len()), (100, 100));
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 100, "something was stored twice");
    assert!(throttled.full > 0 && throttled.waits > 0, "{throttled:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tries_while_the_others_wait() {
    let shop = Shop::open().await;
    let limited = Config { max_messages: 1, ..orders() };
    shop.jetstream.update_stream(limited).await.expect("the stream takes it");
    shop.say(&flow(FlowState::Open)).await;
    let producer = shop.producer().await;
    until(&producer, Some(FlowState::Open)).await;
    producer.publish(event(0)).await.expect("room for one");

    let waiting: Vec<_> = (1..=20).map(|number| tokio::spawn(publish(producer.clone(), number))).collect();
    eventually(PATIENCE, async || producer.throttled().full >= 24).await;
    let refused = producer.try_publish(event(99)).await;
    shop.jetstream.update_stream(orders()).await.expect("the stream takes it");
    for publication in waiting {
        timeout(PATIENCE, publication).await.expect("there is room").expect("no panic");
    }

    assert!(matches!(refused, Err(PublishError::Overloaded { .. })), "{refused:?}");
    assert!(producer.throttled().full <= 40, "all of them tried: {:?}", producer.throttled());
    assert_eq!(payloads(&shop.jetstream).await.len(), 21);
}

async fn publish(producer: Producer, number: usize) {
    producer.publish(event(number)).await.expect("stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_wait_is_told() {
    let server = NatsServer::start().await;
    make_stream(&server, small(1)).await;
    let patience = Duration::from_millis(100);
    let producer = connect(server.client().await, |builder| builder.patience(patience)).await;
    producer.publish(event(1)).await.expect("room for one");

    let tried = producer.try_publish(event(2)).await;
    let waited = producer.publish(event(3)).await;

    assert!(matches!(tried, Err(PublishError::Overloaded { .. })), "{tried:?}");
    assert!(matches!(waited, Err(PublishError::Full { .. })), "{waited:?}");
}
