//! Producers that own entities, await every PubAck, and publish under the same message id until they have it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::message::PublishMessage;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::zipf::Zipf;
use super::{Mix, Publication, Task};

/// Ids of different producers are this far apart.
const SPACE: u64 = 1_000_000_000;

/// How much is published, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Messages in all; they may be stopped before.
    pub messages: u64,
    /// Messages per second in all; `None` for as fast as it goes.
    pub rate: Option<u32>,
    /// How many producers.
    pub producers: u64,
    /// Entities of each.
    pub entities: u32,
    /// What their entities are drawn from.
    pub seed: u64,
}

impl Load {
    /// So many messages, as fast as it goes.
    pub fn of(messages: u64) -> Self {
        Self { messages, rate: None, producers: 3, entities: 300, seed: 1 }
    }

    /// At so many messages per second.
    #[must_use]
    pub fn at_rate(self, rate: u32) -> Self {
        Self { rate: Some(rate), ..self }
    }
}

/// Producers at work.
#[derive(Debug)]
pub(super) struct Producers {
    tasks: JoinSet<Vec<Publication>>,
    stop: Arc<AtomicBool>,
    published: Arc<AtomicU64>,
}

impl Producers {
    /// Starts them.
    pub(super) fn start(jetstream: &Context, load: Load, mix: Mix, max_deliver: u32) -> Self {
        let mut producers = Self { tasks: JoinSet::new(), stop: Arc::default(), published: Arc::default() };
        for index in 0..load.producers {
            let producer = Producer {
                index,
                jetstream: jetstream.clone(),
                random: StdRng::seed_from_u64(load.seed.wrapping_add(index)),
                numbers: vec![0; load.entities as usize],
                mix,
                max_deliver,
                stop: Arc::clone(&producers.stop),
                published: Arc::clone(&producers.published),
            };
            producers.tasks.spawn(producer.run(load));
        }
        producers
    }

    /// How many messages have their PubAck.
    pub(super) fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }

    /// Whether all have published all.
    pub(super) fn are_done(&self) -> bool {
        // Each producer holds a clone until it ends.
        Arc::strong_count(&self.stop) == 1
    }

    /// Ends them after the message in hand.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// What they published.
    pub(super) async fn join(self) -> Vec<Publication> {
        self.tasks.join_all().await.concat()
    }
}

struct Producer {
    index: u64,
    jetstream: Context,
    random: StdRng,
    numbers: Vec<u64>,
    mix: Mix,
    max_deliver: u32,
    stop: Arc<AtomicBool>,
    published: Arc<AtomicU64>,
}

impl Producer {
    async fn run(mut self, load: Load) -> Vec<Publication> {
        let zipf = Zipf::new(load.entities);
        let pause = load.rate.map(|rate| {
            Duration::from_secs_f64(1.0 / f64::from(rate.max(1))) * u32::try_from(load.producers).unwrap_or(1)
        });
        let mut next = Instant::now();
        let mut publications = Vec::new();
        for number in 0..load.messages / load.producers {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let rank = zipf.draw(&mut self.random);
            let id = self.index * SPACE + number;
            let act = self.mix.draw(id, self.max_deliver);
            let entity = format!("e{}-{rank}", self.index);
            let task = Task { id, entity, n: self.numbers[rank], act };
            self.numbers[rank] += 1;
            let sequence = self.publish(&task).await;
            publications.push(Publication { task, sequence });
            if let Some(pause) = pause {
                // What a fault held up is not caught up with: the load is to be steady.
                next = (next + pause).max(Instant::now());
                sleep_until(next).await;
            }
        }
        publications
    }

    /// Until the server has it, or the producers are stopped: then it may be stored or not.
    async fn publish(&self, task: &Task) -> Option<u64> {
        let payload = serde_json::to_vec(task).expect("a task's keys are strings");
        while !self.stop.load(Ordering::Relaxed) {
            let message = PublishMessage::build()
                .message_id(format!("task-{}", task.id))
                .header("Checked", task.id.to_string().as_str())
                .payload(payload.clone().into());
            let sent = self.jetstream.send_publish(format!("tasks.{}", task.entity), message).await;
            let stored = match sent {
                Ok(ack) => ack.await.ok(),
                Err(_) => None,
            };
            if let Some(ack) = stored {
                self.published.fetch_add(1, Ordering::Relaxed);
                return Some(ack.sequence);
            }
            sleep(Duration::from_millis(20)).await;
        }
        None
    }
}
