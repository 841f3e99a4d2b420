//! Connections that lose answers, and servers that go away.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use support::{NatsServer, PATIENCE, Proxy, Traffic, eventually};
use tidegate_producer::{Event, Producer};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{count, make_stream, orders, payloads};

async fn producer_through(proxy: &Proxy) -> Producer {
    let client = async_nats::connect(proxy.url()).await.expect("the proxy takes connections");
    let builder = Producer::builder(client).window(32).ack_wait(Duration::from_millis(500));
    builder.connect().await.expect("there is no topology")
}

/// Events of ten keys, each with its number.
fn keyed(count: usize) -> impl Iterator<Item = Event> {
    (0..count).map(|number| {
        let key = number % 10;
        Event::new(format!("orders.{key}.placed"), format!("{number}")).key(key.to_string())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_cost_no_event_no_repeat_and_no_order() {
    let server = NatsServer::start().await;
    let jetstream = make_stream(&server, orders()).await;
    let proxy = Proxy::start(&server).await;
    let producer = producer_through(&proxy).await;

    let publishing = tokio::spawn(async move {
        let results = producer.publish_all(stream::iter(keyed(2000)));
        results.filter(|result| std::future::ready(result.is_ok())).count().await
    });
    for stored in [100, 500, 900] {
        eventually(PATIENCE, async || count(&jetstream).await >= stored).await;
        proxy.cut_after(1000);
    }
    let published = timeout(PATIENCE, publishing).await.expect("all are stored").expect("no panic");

    let numbers: Vec<usize> =
        payloads(&jetstream).await.iter().map(|text| text.parse().expect("a number")).collect();
    assert_eq!((published, numbers.len()), (2000, 2000));
    for key in 0..10 {
        let of_key: Vec<&usize> = numbers.iter().filter(|number| *number % 10 == key).collect();
        assert!(of_key.is_sorted(), "key {key} is out of order: {of_key:?}");
    }
    assert!(proxy.accepted() >= 2, "no connection was cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_does_not_overtake_a_lost_one_of_its_key() {
    let server = NatsServer::start().await;
    let jetstream = make_stream(&server, orders()).await;
    let proxy = Proxy::start(&server).await;
    let producer = producer_through(&proxy).await;
    let (sender, receiver) = mpsc::channel(20);
    let events =
        stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|it| (it, receiver)));
    let publishing = tokio::spawn(async move { producer.publish_all(events).count().await });
    let mut keyed = keyed(20);

    proxy.set(Traffic::LosesToServer("orders.3."));
    for event in keyed.by_ref().take(10) {
        sender.send(event).await.expect("somebody reads");
    }
    eventually(PATIENCE, async || count(&jetstream).await == 9).await;
    proxy.set(Traffic::Flows);
    for event in keyed {
        sender.send(event).await.expect("somebody reads");
    }
    drop(sender);

    let published = timeout(PATIENCE, publishing).await.expect("all are stored").expect("no panic");
    let stored = payloads(&jetstream).await;
    let place = |number: &str| stored.iter().position(|text| text == number);
    assert_eq!((published, stored.len()), (20, 20));
    assert!(place("3") < place("13"), "{stored:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_answer_is_lost_is_stored_once() {
    let server = NatsServer::start().await;
    let jetstream = make_stream(&server, orders()).await;
    let proxy = Proxy::start(&server).await;
    let producer = producer_through(&proxy).await;

    proxy.set(Traffic::LosesToClient("_INBOX."));
    let publishing = tokio::spawn(async move { producer.publish(super::event(1)).await });
    eventually(PATIENCE, async || proxy.lost() >= 1).await;
    proxy.set(Traffic::Flows);
    let receipt = timeout(PATIENCE, publishing).await.expect("in time").expect("no panic").expect("stored");

    assert!(receipt.is_duplicate, "{receipt:?}");
    assert_eq!(count(&jetstream).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_costs_nothing() {
    let mut server = NatsServer::start().await;
    let jetstream = make_stream(&server, orders()).await;
    let producer =
        super::connect(server.client().await, |builder| builder.ack_wait(Duration::from_millis(500))).await;
    producer.publish(super::event(0)).await.expect("stored");

    let publishing = tokio::spawn(async move {
        let results = producer.publish_all(stream::iter((1..20_000).map(super::event)));
        results.filter(|result| std::future::ready(result.is_err())).count().await
    });
    eventually(PATIENCE, async || count(&jetstream).await > 100).await;
    server.restart().await;
    let failed = timeout(2 * PATIENCE, publishing).await.expect("in time").expect("no panic");

    let mut stored = payloads(&server.jetstream().await).await;
    stored.sort_unstable();
    stored.dedup();
    assert_eq!((failed, stored.len()), (0, 20_000));
}
