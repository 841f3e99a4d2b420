//! A producer that has more to say than there is room for.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use serde_json::json;
use tidegate_producer::{Event, Producer};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::scene::{ENTITIES, Scene, TOPOLOGY};

/// A running producer.
pub(super) struct Load {
    admitted: Arc<AtomicU64>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Load {
    /// Offers so many messages a second; what waits is not made up for.
    pub(super) async fn start(scene: &Scene, rate: f64) -> Self {
        let client = scene.server.client().await;
        let producer = Producer::builder(client).topology(TOPOLOGY).connect().await.expect("a valid name");
        let (admitted, (stop, stopped)) = (Arc::<AtomicU64>::default(), watch::channel(false));
        let task = tokio::spawn(publish(producer, rate, stopped, Arc::clone(&admitted)));
        Self { admitted, stop, task }
    }

    /// Offers nothing more, waits for what is on its way, and returns how many were stored.
    pub(super) async fn stop(self) -> u64 {
        self.stop.send_replace(true);
        self.task.await.expect("the load does not panic");
        self.admitted.load(Ordering::Relaxed)
    }
}

async fn publish(producer: Producer, rate: f64, stopped: watch::Receiver<bool>, admitted: Arc<AtomicU64>) {
    let mut receipts = pin!(producer.publish_all(events(rate, stopped)));
    while let Some(receipt) = receipts.next().await {
        receipt.expect("an event waits until it is stored");
        admitted.fetch_add(1, Ordering::Relaxed);
    }
}

fn events(rate: f64, stopped: watch::Receiver<bool>) -> impl Stream<Item = Event> {
    let gap = Duration::from_secs_f64(1.0 / rate);
    stream::unfold((0, Instant::now(), stopped), move |(number, due, stopped)| async move {
        if *stopped.borrow() {
            return None;
        }
        let now = Instant::now();
        if due > now + Duration::from_millis(1) {
            sleep_until(due).await;
        }
        let entity = format!("e{}", number % ENTITIES);
        let payload = json!({ "id": number / ENTITIES }).to_string();
        let event = Event::new(format!("first.{entity}"), payload).key(entity);
        Some((event, (number + 1, due.max(now) + gap, stopped)))
    })
}
