//! The record of owners on the broker in memory.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::title::{Standing, Title};
use crate::memory::{ConsumerRules, MemoryBroker};
use crate::message::ShardId;

fn title(broker: &MemoryBroker, instance: &str) -> Title {
    let shard = ShardId { actor: "clerk".into(), shard: 0 };
    Title::new(Arc::new(broker.clone()), &shard, instance.parse().expect("an id"))
}

#[tokio::test(start_paused = true)]
async fn an_owner_finds_out_that_it_was_replaced() {
    let rules = ConsumerRules { ack_wait: Duration::from_secs(1), max_ack_pending: 1, max_deliver: 1 };
    let broker = MemoryBroker::new(rules);
    let (mut first, mut second) = (title(&broker, "first"), title(&broker, "second"));

    assert_eq!(first.take().await.expect("the bucket is there"), Standing::New);
    assert_eq!(first.take().await.expect("the bucket is there"), Standing::Unbroken);
    assert_eq!(second.take().await.expect("the bucket is there"), Standing::New);
    assert_eq!(first.take().await.expect("the bucket is there"), Standing::New);
}
