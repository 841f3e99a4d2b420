//! The gate of one stream: open, or closed with everybody in line behind it.

mod line;
mod probe;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::flow::{Flow, FlowState, holds_back, relief};
use crate::pace::{Meter, Pace, most_at_once};
use crate::subject::is_taken;
use line::Line;
pub(crate) use probe::Probe;

/// What a closed gate tells those who will not wait.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Closed {
    pub(crate) cause: Cause,
    pub(crate) retry_after: Duration,
    pub(crate) reason: String,
}

/// Why a gate is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Slow,
    Stopped,
    Full,
    /// Not the gate: too many are on their way.
    Window,
}

/// Nobody sleeps while holding a turn: turns are given by the keeper of the flow, so that a future that is not polled
/// keeps up nobody else.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) stream: String,
    stored: AtomicU64,
    /// How many gates of the producer are closed.
    closed: Arc<AtomicUsize>,
    state: Mutex<State>,
    /// Told of whenever the flow changes.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// What holds at this moment.
    flow: Option<Arc<Flow>>,
    /// The last that was known of what it takes.
    filters: Vec<String>,
    full: Option<probe::Full>,
    /// There while the gate is closed.
    line: Option<Line>,
    pace: Pace,
    meter: Meter,
    share: f64,
}

impl Gate {
    pub(crate) fn new(stream: String, closed: Arc<AtomicUsize>) -> Self {
        let state = Mutex::new(State { share: 1.0, ..State::default() });
        Self { stream, stored: AtomicU64::new(0), closed, state, changed: Notify::new() }
    }

    /// What is known of the stream; `None` for nothing.
    pub(crate) fn flow(&self) -> Option<Arc<Flow>> {
        self.lock().flow.clone()
    }

    /// Whether the stream takes `subject`, as far as is known.
    pub(crate) fn takes(&self, subject: &str) -> bool {
        self.lock().filters.iter().any(|filter| is_taken(filter, subject))
    }

    /// Takes over what holds from here on.
    pub(crate) fn set(&self, flow: Option<Arc<Flow>>) {
        let mut state = self.lock();
        state.flow = flow;
        if let Some(flow) = &state.flow {
            let filters = flow.subjects.clone();
            state.filters = filters;
        }
        if state.flow.as_ref().is_some_and(|flow| flow.state == FlowState::Stop)
            && let Some(line) = &state.line
        {
            line.take_back();
        }
        self.settle(&mut state);
        drop(state);
        self.changed.notify_waiters();
    }

    /// A message of ours was stored.
    pub(crate) fn stored(&self) {
        self.stored.fetch_add(1, Ordering::Relaxed);
        if self.closed.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut state = self.lock();
        if state.full.take().is_some() {
            self.settle(&mut state);
        }
    }

    /// Waits in line until it is our turn, if the gate is closed. Whether it was.
    ///
    /// # Cancel safety
    /// A cancelled wait loses its place, and nothing else.
    pub(crate) async fn pass(&self) -> bool {
        let line = self.lock().line.clone();
        match line {
            Some(line) => line.turn().await,
            None => false,
        }
    }

    /// Takes a turn if there is one at this moment.
    pub(crate) fn try_pass(&self) -> Result<(), Closed> {
        let state = self.lock();
        match &state.line {
            Some(line) if !line.try_turn() => Err(state.closed(line)),
            _ => Ok(()),
        }
    }

    /// Why the gate is closed, if it is.
    pub(crate) fn why(&self) -> Option<Closed> {
        let state = self.lock();
        state.line.as_ref().map(|line| state.closed(line))
    }

    /// Gives turns for the time that has passed.
    pub(crate) fn tick(&self, now: Instant) {
        let state = &mut *self.lock();
        let Some(line) = &state.line else { return };
        match (&state.flow, &mut state.full) {
            (Some(flow), _) if flow.state == FlowState::Stop => {}
            (_, Some(full)) => full.look_after(line, now),
            (Some(flow), None) => {
                let rate = admitted(flow, state.share);
                line.give(state.pace.due(rate, now), most_at_once(rate));
            }
            (None, None) => {}
        }
    }

    /// Follows which part of what the stream stores is ours. What it was before a stop holds after it.
    pub(crate) fn measure(&self, now: Instant) {
        /// How much of the last share is kept, so that it follows within some measurements.
        const KEPT: f64 = 0.8;
        let stored = self.stored.load(Ordering::Relaxed);
        let state = &mut *self.lock();
        match &state.flow {
            Some(flow) if flow.state == FlowState::Stop => state.meter.skip(stored, now),
            Some(flow) => {
                state.meter.tick(stored, now);
                state.share = state.share * KEPT + state.meter.share(flow.stored) * (1.0 - KEPT);
            }
            None => state.meter.tick(stored, now),
        }
    }

    /// Waits while the stream is stopped.
    ///
    /// # Cancel safety
    /// A cancelled wait loses nothing.
    async fn until_not_stopped(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.flow().is_none_or(|flow| flow.state != FlowState::Stop) {
                return;
            }
            changed.await;
        }
    }

    /// Opens or closes the gate, as the flow and the stream's last answer say.
    fn settle(&self, state: &mut State) {
        let shall_be_closed =
            state.full.is_some() || state.flow.as_ref().is_some_and(|flow| holds_back(flow));
        match (&state.line, shall_be_closed) {
            (None, true) => {
                state.line = Some(Line::default());
                state.pace = Pace::default();
                self.closed.fetch_add(1, Ordering::Relaxed);
            }
            (Some(line), false) => {
                line.dissolve();
                state.line = None;
                self.closed.fetch_sub(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if self.lock().line.is_some() {
            self.closed.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl State {
    fn closed(&self, line: &Line) -> Closed {
        let flow = self.flow.as_ref().filter(|flow| holds_back(flow));
        match (flow, &self.full) {
            (Some(flow), _) if flow.state == FlowState::Stop => {
                Closed { cause: Cause::Stopped, retry_after: relief(flow), reason: flow.reason() }
            }
            (Some(flow), None) => {
                let retry_after = line.wait_at(admitted(flow, self.share));
                Closed { cause: Cause::Slow, retry_after, reason: flow.reason() }
            }
            _ => Closed {
                cause: Cause::Full,
                retry_after: Duration::from_secs(1),
                reason: "the stream is full".to_owned(),
            },
        }
    }
}

/// How many messages a second we may store.
fn admitted(flow: &Flow, share: f64) -> f64 {
    flow.rate.unwrap_or(1.0).max(1.0) * share
}
