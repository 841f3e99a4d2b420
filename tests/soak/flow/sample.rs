//! How it looks twice a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::jetstream::{Context, kv};
use serde::Serialize;
use support::resident_memory;
use tidegate_producer::{Flow, flow};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};

use super::load::Load;
use super::scene::{ACTORS, STREAMS, Scene, TOPOLOGY};

const EVERY: Duration = Duration::from_millis(500);

/// One look.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sample {
    /// Seconds since the first.
    pub(super) at: f64,
    /// Messages that the producer was told are stored.
    pub(super) admitted: u64,
    /// Messages that came out of the last stage.
    pub(super) done: u64,
    /// What waits for each stage or is in its hands.
    pub(super) depths: [u64; 3],
    /// What each stream says.
    pub(super) states: [&'static str; 3],
    /// The instance's resident memory, in bytes.
    pub(super) memory: u64,
}

/// Looks until it is stopped.
pub(super) struct Sampler {
    began: Instant,
    stop: watch::Sender<bool>,
    task: JoinHandle<Vec<Sample>>,
}

struct Eye {
    jetstream: Context,
    flows: Option<kv::Store>,
    admitted: Arc<AtomicU64>,
    process: u32,
}

impl Sampler {
    pub(super) async fn start(scene: &Scene, load: &Load) -> Self {
        let flows = scene.jetstream.get_key_value(flow::bucket(TOPOLOGY)).await.ok();
        let eye = Eye {
            jetstream: scene.jetstream.clone(),
            flows,
            admitted: load.admitted(),
            process: scene.runtime.process().id(),
        };
        let (began, (stop, stopped)) = (Instant::now(), watch::channel(false));
        Self { began, stop, task: tokio::spawn(look(eye, began, stopped)) }
    }

    /// Seconds since the first sample.
    pub(super) fn now(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    pub(super) async fn stop(self) -> Vec<Sample> {
        self.stop.send_replace(true);
        self.task.await.expect("the sampler does not panic")
    }
}

async fn look(eye: Eye, began: Instant, stopped: watch::Receiver<bool>) -> Vec<Sample> {
    let (mut samples, mut ticks) = (Vec::new(), interval(EVERY));
    while !*stopped.borrow() {
        ticks.tick().await;
        samples.push(eye.sample(began).await);
    }
    samples
}

impl Eye {
    async fn sample(&self, began: Instant) -> Sample {
        let (mut depths, mut states) = ([0; 3], ["-"; 3]);
        for (at, (stream, actor)) in STREAMS.into_iter().zip(ACTORS).enumerate() {
            depths[at] = self.depth(stream, actor).await;
            states[at] = self.state(stream).await;
        }
        let out = self.jetstream.get_stream("OUT").await.expect("the stream exists");
        Sample {
            at: began.elapsed().as_secs_f64(),
            admitted: self.admitted.load(Ordering::Relaxed),
            done: out.cached_info().state.messages,
            depths,
            states,
            memory: resident_memory(self.process).unwrap_or(0),
        }
    }

    async fn depth(&self, stream: &str, actor: &str) -> u64 {
        let stream = self.jetstream.get_stream_no_info(stream).await.expect("the server answers");
        let info = stream.consumer_info(format!("{TOPOLOGY}-{actor}")).await.expect("the consumer exists");
        info.num_pending + info.num_ack_pending as u64
    }

    async fn state(&self, stream: &str) -> &'static str {
        let Some(flows) = &self.flows else { return "-" };
        let entry = flows.get(stream).await.ok().flatten();
        let flow = entry.and_then(|entry| serde_json::from_slice::<Flow>(&entry).ok());
        flow.map_or("-", |flow| flow.state.as_str())
    }
}

/// A line every five seconds.
pub(super) fn print(samples: &[Sample]) {
    eprintln!("seconds  admitted/s  done/s   first          second         third          memory");
    for pair in samples.chunks(10).collect::<Vec<_>>().windows(2) {
        let (before, now) = (&pair[0][0], &pair[1][0]);
        let [first, second, third] =
            [0, 1, 2].map(|at| format!("{:>6} {:<7}", now.depths[at], now.states[at]));
        eprintln!(
            "{:>7.0} {:>11.0} {:>7.0} {first} {second} {third} {:>6.1} MiB",
            now.at,
            rate(before, now, |sample| sample.admitted),
            rate(before, now, |sample| sample.done),
            mebibytes(now.memory),
        );
    }
}

/// How fast it grew between two looks, per second.
#[expect(clippy::cast_precision_loss, reason = "counts of messages are far below 2^52")]
pub(super) fn rate(before: &Sample, now: &Sample, of: impl Fn(&Sample) -> u64) -> f64 {
    (of(now) - of(before)) as f64 / (now.at - before.at)
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
pub(super) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
