//! Sees threads that a handler blocks, and names the actor.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tracing::{error, info};

/// How often a thread shows that it lives, and is looked at.
const PERIOD: Duration = Duration::from_millis(500);

/// How long a thread may be silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// A sign of life of one arbiter's thread, and whose handler has the thread at this moment.
#[derive(Debug)]
pub(crate) struct Pulse {
    origin: Instant,
    actors: Arc<[Arc<str>]>,
    last_beat: AtomicU64,
    /// The actor's index plus one in the upper half, the partition in the lower; 0 while no handler runs.
    holder: AtomicU64,
    sequence: AtomicU64,
}

/// Whose future is polled: the actor's index, the partition, the message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holder {
    pub(crate) actor: u32,
    pub(crate) partition: u32,
    pub(crate) sequence: u64,
}

impl Pulse {
    /// `actors` are the names that [`Holder::actor`] counts in.
    pub(crate) fn new(actors: Arc<[Arc<str>]>) -> Self {
        Self {
            origin: Instant::now(),
            actors,
            last_beat: AtomicU64::new(0),
            holder: AtomicU64::new(0),
            sequence: AtomicU64::new(0),
        }
    }

    /// Beats for ever, on the thread that is watched.
    pub(crate) async fn beat(self: Arc<Self>) {
        let mut tick = tokio::time::interval(PERIOD);
        loop {
            tick.tick().await;
            self.last_beat.store(self.now(), Ordering::Relaxed);
        }
    }

    /// Names `holder` as the one to blame while `future` is polled.
    pub(crate) fn watch<F: Future + Unpin>(&self, holder: Holder, future: F) -> Watched<'_, F> {
        Watched { pulse: self, holder, future }
    }

    fn hold(&self, holder: Holder) {
        self.sequence.store(holder.sequence, Ordering::Relaxed);
        self.holder
            .store((u64::from(holder.actor) + 1) << 32 | u64::from(holder.partition), Ordering::Relaxed);
    }

    /// Whose handler has the thread: actor, partition, message.
    pub(crate) fn holder(&self) -> Option<(&str, u64, u64)> {
        let holder = self.holder.load(Ordering::Relaxed);
        let index = usize::try_from((holder >> 32).checked_sub(1)?).ok()?;
        let partition = holder & u64::from(u32::MAX);
        Some((self.actors.get(index)?, partition, self.sequence.load(Ordering::Relaxed)))
    }

    /// Whether the thread has been silent for too long.
    pub(crate) fn is_silent(&self) -> bool {
        self.silence() > PATIENCE
    }

    /// For how long the thread has shown no sign of life.
    pub(crate) fn silence(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.last_beat.load(Ordering::Relaxed)))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A handler's future under watch.
#[derive(Debug)]
pub(crate) struct Watched<'a, F> {
    pulse: &'a Pulse,
    holder: Holder,
    future: F,
}

impl<F: Future + Unpin> Future for Watched<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.pulse.hold(self.holder);
        let poll = Pin::new(&mut self.future).poll(cx);
        self.pulse.holder.store(0, Ordering::Relaxed);
        poll
    }
}

/// Reports threads that have been silent for too long, once when it begins and once when it ends, for ever.
pub(crate) async fn watch(pulses: Vec<Arc<Pulse>>) {
    let mut blocked = vec![false; pulses.len()];
    let mut tick = tokio::time::interval(PERIOD);
    let mut last = Instant::now();
    loop {
        tick.tick().await;
        // The whole process stood still: the threads have had no time to show that they live.
        let was_frozen = std::mem::replace(&mut last, Instant::now()).elapsed() > PATIENCE;
        if was_frozen {
            continue;
        }
        for (thread, (pulse, blocked)) in pulses.iter().zip(&mut blocked).enumerate() {
            let silence = pulse.silence();
            match (silence > PATIENCE, *blocked) {
                (true, false) => report(thread, pulse, silence),
                (false, true) => info!(thread, "thread runs again"),
                (true, true) | (false, false) => {}
            }
            *blocked = silence > PATIENCE;
        }
    }
}

fn report(thread: usize, pulse: &Pulse, silence: Duration) {
    let for_seconds = silence.as_secs();
    match pulse.holder() {
        Some((actor, partition, sequence)) => error!(
            actor,
            partition,
            sequence,
            thread,
            for_seconds,
            "handler blocks its thread, all partitions on it stand still: \
             wrap what blocks in `tidegate::blocking`, or await instead"
        ),
        None => error!(thread, for_seconds, "thread is blocked outside any handler"),
    }
}
