//! What a run looks like from outside while it goes on.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{SAMPLING, Stage};
use crate::faults::setting::{INPUT, OUTPUT, consumer, dead_letters, members};
use crate::faults::{Broker, FaultKind, Moment};
use crate::read_stream;

/// A broker that does not answer at once is down, and there is nothing to be seen.
const ANSWER: Duration = Duration::from_millis(300);

impl<B: Broker> Stage<B> {
    /// Notes and replaces who ended unasked, and takes samples when it is time.
    pub(super) async fn tend(&mut self) {
        for (place, pid) in self.fleet.bury() {
            self.log(FaultKind::Crash { pid }, Moment::now());
            self.fleet.start(place);
        }
        if self.sampled.elapsed() < SAMPLING {
            return;
        }
        self.sampled = Instant::now();
        let samples = self.fleet.samples();
        self.evidence.samples.extend(samples);
        for shard in 0..self.setting.bounds.shards {
            if let Some((_, in_flight)) = self.waiting(shard).await {
                self.evidence.in_flight.push((Moment::now(), shard, in_flight));
            }
        }
    }

    /// How many messages are not settled, in all shards. `None` while the broker does not tell.
    pub(super) async fn left(&self) -> Option<u64> {
        let mut left = 0;
        for shard in 0..self.setting.bounds.shards {
            let (pending, in_flight) = self.waiting(shard).await?;
            left += pending + in_flight;
        }
        Some(left)
    }

    /// Whether there are as many outputs and dead letters as there are messages.
    pub(super) async fn is_accounted_for(&self) -> bool {
        let letters = dead_letters();
        let counts = [self.stored(INPUT).await, self.stored(OUTPUT).await, self.stored(&letters).await];
        matches!(counts, [Some(input), Some(outputs), Some(letters)] if input <= outputs + letters)
    }

    /// What instances and server say of a run that does not come to its end: for whoever looks for the cause.
    pub(super) async fn standstill(&self) -> String {
        let mut lines = Vec::new();
        for message in read_stream(&self.jetstream, &members()).await {
            lines.push(format!("member {}", String::from_utf8_lossy(&message.payload)));
        }
        for shard in 0..self.setting.bounds.shards {
            let name = consumer(shard, self.setting.bounds.shards);
            let info: Result<Value, _> =
                self.jetstream.request(format!("CONSUMER.INFO.{INPUT}.{name}"), &json!({})).await;
            lines.push(format!("consumer {}", info.unwrap_or_default()));
        }
        lines.join("\n")
    }

    async fn waiting(&self, shard: u32) -> Option<(u64, u64)> {
        let name = consumer(shard, self.setting.bounds.shards);
        let stream = self.jetstream.get_stream_no_info(INPUT).await.ok()?;
        let info = timeout(ANSWER, stream.consumer_info(name)).await.ok()?.ok()?;
        Some((info.num_pending, info.num_ack_pending as u64))
    }

    pub(super) async fn stored(&self, stream: &str) -> Option<u64> {
        let stream = timeout(ANSWER, self.jetstream.get_stream(stream)).await.ok()?.ok()?;
        Some(stream.cached_info().state.messages)
    }
}
