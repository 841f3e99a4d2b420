//! `publish_all`: results in order, no more than a window on its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, stream};
use support::{NatsServer, PATIENCE, Proxy, Traffic, eventually};
use tidegate_producer::{Event, Producer, PublishError};

use super::{Shop, count, event, make_stream, orders};

#[tokio::test(flavor = "multi_thread")]
async fn results_come_in_the_order_of_the_events() {
    let shop = Shop::open().await;
    let producer = shop.producer().await;
    let events = (0..1000).map(|number| match number % 100 {
        7 => Event::new("refunds.1", "nobody takes it").id(format!("order-{number}")),
        9 => Event::new("orders.*.placed", "a wildcard").id(format!("order-{number}")),
        _ => event(number),
    });

    let results: Vec<_> = producer.publish_all(stream::iter(events)).collect().await;

    assert_eq!(results.len(), 1000);
    let mut last = 0;
    for (number, result) in results.into_iter().enumerate() {
        match (number % 100, result) {
            (7, Err(unpublished)) => {
                assert_eq!((unpublished.index, unpublished.id), (number as u64, format!("order-{number}")));
                assert!(matches!(unpublished.error, PublishError::NoStream { .. }), "{}", unpublished.error);
            }
            (9, Err(unpublished)) => {
                assert_eq!(unpublished.index, number as u64);
                assert!(
                    matches!(unpublished.error, PublishError::BadSubject { .. }),
                    "{}",
                    unpublished.error
                );
            }
            (_, Ok(receipt)) => {
                assert!(receipt.sequence > last, "{} after {last}", receipt.sequence);
                last = receipt.sequence;
            }
            (_, Err(unpublished)) => panic!("{unpublished}"),
        }
    }
    assert_eq!(shop.stored().await, 980);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_the_window_is_on_its_way() {
    let server = NatsServer::start().await;
    let jetstream = make_stream(&server, orders()).await;
    let proxy = Proxy::start(&server).await;
    let client = async_nats::connect(proxy.url()).await.expect("the proxy takes connections");
    let producer = Producer::builder(client).window(16).connect().await.expect("there is no topology");
    let taken = Arc::<AtomicUsize>::default();

    proxy.set(Traffic::LosesToClient("_INBOX."));
    let publishing = tokio::spawn({
        let taken = Arc::clone(&taken);
        async move {
            let events = stream::iter((0..100).map(event)).inspect(|_| {
                taken.fetch_add(1, Ordering::Relaxed);
            });
            producer.publish_all(events).count().await
        }
    });
    eventually(PATIENCE, async || count(&jetstream).await == 16).await;
    let taken_without_an_answer = taken.load(Ordering::Relaxed);
    proxy.set(Traffic::Flows);

    assert_eq!(publishing.await.expect("no panic"), 100);
    assert_eq!(taken_without_an_answer, 16);
    assert_eq!(count(&jetstream).await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_an_id_gets_one() {
    let shop = Shop::open().await;
    let producer = shop.producer().await;
    let events = (0..3).map(|_| Event::new("orders.1.placed", "{}"));

    let results: Vec<_> = producer.publish_all(stream::iter(events)).collect().await;
    producer.publish(Event::new("orders.1.placed", "{}")).await.expect("stored");

    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(shop.stored().await, 4);
}
