//! Several producers on one slow stream.

use std::time::Duration;

use support::{PATIENCE, eventually};
use tidegate_producer::{Flow, FlowState, Producer, PublishError};
use tokio::time::Instant;

use super::{Shop, event, flow};

const RATE: f64 = 100.0;
const EACH: usize = 20;

/// Waits until the producer has no more than the least share, a tenth: then the next turn is ten times as far.
async fn until_share_is_least(producer: &Producer, number: usize) {
    eventually(PATIENCE, async || match producer.try_publish(event(number)).await {
        Err(PublishError::Overloaded { retry_after, .. }) => retry_after >= Duration::from_millis(90),
        _ => false,
    })
    .await;
}

async fn publish(producer: &Producer, first: usize) {
    for number in first..first + EACH {
        producer.publish(event(number)).await.expect("stored");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_keeps_to_its_part_of_what_all_store() {
    let shop = Shop::open().await;
    let (one, other) = (shop.producer().await, shop.producer().await);
    // Others are said to store very much more than these two.
    shop.say(&Flow { rate: Some(RATE), stored: 1e9, ..flow(FlowState::Slow) }).await;
    tokio::join!(until_share_is_least(&one, 1), until_share_is_least(&other, 2));
    let (before, began) = (shop.stored().await, Instant::now());

    tokio::join!(publish(&one, 100), publish(&other, 200));

    // At the whole rate this takes a fifth of a second; at a tenth of it two seconds, less what was left over.
    assert!(began.elapsed() > Duration::from_millis(1500), "{:?}", began.elapsed());
    assert_eq!(shop.stored().await - before, 2 * EACH as u64);
}
