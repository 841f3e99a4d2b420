//! How it looks twice a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::stream::State;
use serde::Serialize;
use support::resident_memory;
use tidegate_producer::{Flow, flow};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};

use super::scene::{ACTORS, STREAMS, Scene, TOPOLOGY};

const EVERY: Duration = Duration::from_millis(500);

/// One look.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sample {
    /// Seconds since the first.
    pub(super) at: f64,
    /// Messages that the first stream has stored.
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
    process: Arc<AtomicU32>,
}

impl Sampler {
    pub(super) fn start(scene: &Scene) -> Self {
        let eye = Eye { jetstream: scene.jetstream.clone(), process: Arc::clone(&scene.process) };
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
        // There is nothing to be seen while the server is away.
        samples.extend(eye.sample(began).await);
    }
    samples
}

impl Eye {
    async fn sample(&self, began: Instant) -> Option<Sample> {
        let (mut depths, mut states) = ([0; 3], ["-"; 3]);
        for (at, (stream, actor)) in STREAMS.into_iter().zip(ACTORS).enumerate() {
            depths[at] = self.depth(stream, actor).await?;
            states[at] = self.state(stream).await.unwrap_or("-");
        }
        Some(Sample {
            at: began.elapsed().as_secs_f64(),
            admitted: self.stream(STREAMS[0]).await?.last_sequence,
            done: self.stream("OUT").await?.messages,
            depths,
            states,
            memory: resident_memory(self.process.load(Ordering::Relaxed)).unwrap_or(0),
        })
    }

    async fn stream(&self, name: &str) -> Option<State> {
        Some(self.jetstream.get_stream(name).await.ok()?.cached_info().state.clone())
    }

    async fn depth(&self, stream: &str, actor: &str) -> Option<u64> {
        let stream = self.jetstream.get_stream_no_info(stream).await.ok()?;
        let info = stream.consumer_info(format!("{TOPOLOGY}-{actor}")).await.ok()?;
        Some(info.num_pending + info.num_ack_pending as u64)
    }

    async fn state(&self, stream: &str) -> Option<&'static str> {
        let flows = self.jetstream.get_key_value(flow::bucket(TOPOLOGY)).await.ok()?;
        let entry = flows.get(stream).await.ok()??;
        let flow: Flow = serde_json::from_slice(&entry).ok()?;
        Some(flow.state.as_str())
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
