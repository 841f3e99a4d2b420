//! What a producer does as the stream's flow says.

use std::time::Duration;

use support::{PATIENCE, eventually};
use tidegate_producer::{Flow, FlowState, Producer, PublishError};
use tokio::time::{Instant, timeout};

use super::{Shop, connect, event, flow, make_bucket, make_stream, orders, put, until};

/// Short enough for a test, long enough for a busy machine to see it hold.
const BRIEFLY: Duration = Duration::from_secs(2);

fn brief(state: FlowState) -> Flow {
    Flow { holds: u64::try_from(BRIEFLY.as_millis()).expect("a few seconds"), ..flow(state) }
}

async fn publish(producer: &Producer, number: usize) {
    let published = timeout(PATIENCE, producer.publish(event(number))).await;
    published.expect("the stream is open").expect("stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_while_the_stream_is_stopped_and_goes_on_when_it_opens() {
    let shop = Shop::open().await;
    shop.say(&flow(FlowState::Stop)).await;
    let producer = shop.producer().await;

    let waiting = tokio::spawn({
        let producer = producer.clone();
        async move { producer.publish(event(1)).await }
    });
    let refused = producer.try_publish(event(2)).await;
    let stored_meanwhile = shop.stored().await;
    shop.say(&flow(FlowState::Open)).await;
    let receipt = waiting.await.expect("no panic").expect("stored");

    let Err(PublishError::Overloaded { reason, retry_after }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("payments") && reason.contains("partition 3"), "{reason}");
    assert!(retry_after >= Duration::from_secs(1), "{retry_after:?}");
    assert_eq!((stored_meanwhile, receipt.sequence, shop.stored().await), (0, 1, 1));
    let throttled = producer.throttled();
    assert_eq!((throttled.waits, throttled.refusals, throttled.stopped), (1, 1, 1));
    assert!(!throttled.time.is_zero());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_stream_gets_its_rate_and_refuses_the_rest() {
    let shop = Shop::open().await;
    shop.say(&Flow { rate: Some(20.0), stored: 0.0, ..flow(FlowState::Slow) }).await;
    let producer = shop.producer().await;
    let began = Instant::now();

    for number in 0..20 {
        producer.publish(event(number)).await.expect("stored");
    }
    let refused = producer.try_publish(event(99)).await;

    assert!(began.elapsed() >= Duration::from_millis(800), "20 at 20/s took {:?}", began.elapsed());
    let Err(PublishError::Overloaded { retry_after, .. }) = refused else { panic!("{refused:?}") };
    assert!(retry_after <= Duration::from_secs(1), "{retry_after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_not_renewed_ceases_to_hold() {
    let shop = Shop::open().await;
    let producer = shop.producer().await;
    shop.say(&brief(FlowState::Stop)).await;
    until(&producer, Some(FlowState::Stop)).await;

    publish(&producer, 1).await;

    assert_eq!(producer.flow("orders.1.placed"), None);
    assert_eq!(producer.throttled().waits, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_comes_goes_and_comes_again_is_felt() {
    let server = support::NatsServer::start().await;
    let jetstream = make_stream(&server, orders()).await;
    let producer = connect(server.client().await, |builder| builder).await;
    publish(&producer, 1).await;

    put(&make_bucket(&jetstream).await, &brief(FlowState::Stop)).await;
    until(&producer, Some(FlowState::Stop)).await;
    jetstream.delete_key_value("shop-flow").await.expect("it is there");
    publish(&producer, 2).await;
    put(&make_bucket(&jetstream).await, &flow(FlowState::Stop)).await;

    until(&producer, Some(FlowState::Stop)).await;
    let refused = producer.try_publish(event(3)).await;
    assert!(matches!(refused, Err(PublishError::Overloaded { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_entry_opens_the_stream_at_once() {
    let shop = Shop::open().await;
    shop.say(&flow(FlowState::Stop)).await;
    let producer = shop.producer().await;
    until(&producer, Some(FlowState::Stop)).await;

    shop.bucket.delete("ORDERS").await.expect("it is there");

    publish(&producer, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_is_listened_to_again() {
    let mut shop = Shop::open().await;
    let producer = shop.producer().await;
    shop.server.restart().await;

    // What is written while the producer is not back is read later.
    eventually(PATIENCE, async || {
        let text = serde_json::to_vec(&brief(FlowState::Stop)).expect("a flow is JSON");
        shop.bucket.put("ORDERS", text.into()).await.is_ok()
            && producer.flow("orders.1.placed").is_some_and(|flow| flow.state == FlowState::Stop)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_a_later_version_is_open() {
    let shop = Shop::open().await;
    let text = serde_json::to_string(&flow(FlowState::Stop)).expect("a flow is JSON");
    let text = text.replace("\"stop\"", "\"ebb\"");
    shop.bucket.put("ORDERS", text.into()).await.expect("the bucket takes it");
    let producer = shop.producer().await;
    until(&producer, Some(FlowState::Unknown)).await;

    publish(&producer, 1).await;

    assert_eq!(producer.throttled().waits, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_ends() {
    let shop = Shop::open().await;
    shop.say(&flow(FlowState::Stop)).await;
    let producer = shop.producer_with(|builder| builder.patience(Duration::from_millis(50))).await;

    let refused = producer.publish(event(1)).await;

    assert!(matches!(refused, Err(PublishError::Overloaded { .. })), "{refused:?}");
    assert_eq!(shop.stored().await, 0);
}
