//! From readings to a state: what a stream can take, with hysteresis and one look ahead. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::depth::Depth;
use super::pressure::{Pressed, hardest};
use super::trend::Rate;
use crate::message::{Flow, FlowState, Mark};
use crate::port::Reading;
use crate::topology::FlowMarks;

/// How long until the next look while something happens.
pub(super) const QUICK: Duration = Duration::from_millis(100);

/// How long otherwise: within it a flood begins unseen.
pub(super) const CALM: Duration = Duration::from_millis(250);

/// How far back rates remember.
const MEMORY: Duration = Duration::from_secs(2);

/// How far back the slope of the pressure remembers: long enough not to tremble with each look.
const SLOPE_MEMORY: Duration = Duration::from_millis(300);

/// From this pressure on an open stream is slow, and below it a stopped one is.
const MIDDLE: f64 = 0.5;

/// The least that publishers may store in a second while a stream is slow: by what comes out of it one sees that it goes
/// on.
const LEAST: f64 = 1.0;

/// How far ahead it is told that a stream will be full.
const HORIZON: f64 = 86_400.0;

/// What is remembered of a stream from one reading to the next.
#[derive(Debug)]
pub(super) struct Reckoner {
    marks: FlowMarks,
    state: FlowState,
    since: SystemTime,
    pressed_since: Option<SystemTime>,
    stored: Rate,
    leaving: Rate,
    slope: Rate,
    actors: BTreeMap<Arc<str>, Throughput>,
    /// What rates begin with.
    inherited: Option<f64>,
    last: Option<Last>,
}

/// What becomes of the stream's messages at one actor.
#[derive(Debug)]
struct Throughput {
    done: Rate,
    /// How many messages come that it reads: others of the stream are nothing to it.
    matched: Rate,
}

#[derive(Debug)]
struct Last {
    at: Instant,
    sequence: u64,
    messages: u64,
    pressure: Option<f64>,
    depths: Vec<Depth>,
}

/// What one reading comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reckoned {
    pub(super) state: FlowState,
    pub(super) since: SystemTime,
    /// Only while the stream is slow.
    pub(super) rate: Option<f64>,
    pub(super) stored: f64,
    pub(super) done: f64,
    /// What presses hardest, and since when; `None` while it is below its low mark.
    pub(super) pressed: Option<(Pressed, SystemTime)>,
    /// In how many seconds the stream is full.
    pub(super) full_in: Option<f64>,
    /// How long until the next look.
    pub(super) next: Duration,
    pub(super) depths: Vec<Depth>,
}

impl Reckoner {
    /// Goes on from what another instance has announced last, if that still holds.
    pub(super) fn new(marks: FlowMarks, previous: Option<&Flow>, clock: SystemTime) -> Self {
        let state = match previous.map(|flow| flow.state) {
            Some(FlowState::Slow) => FlowState::Slow,
            Some(FlowState::Stop) => FlowState::Stop,
            _ => FlowState::Open,
        };
        let rate = |of: fn(&Flow) -> f64| match previous.map(of) {
            Some(rate) if rate.is_finite() && rate > 0.0 => Rate::from(MEMORY, rate),
            Some(_) | None => Rate::new(MEMORY),
        };
        let pressed_since = previous.and_then(|flow| flow.pressure.as_ref()).map(|pressure| pressure.since);
        Self {
            marks,
            state,
            since: previous.map_or(clock, |flow| flow.since),
            pressed_since,
            stored: rate(|flow| flow.stored),
            leaving: Rate::new(MEMORY),
            slope: Rate::new(SLOPE_MEMORY),
            actors: BTreeMap::new(),
            inherited: previous.map(|flow| flow.done).filter(|rate| rate.is_finite() && *rate > 0.0),
            last: None,
        }
    }

    /// Takes in a reading made at `now`, or at `clock` for people.
    pub(super) fn reckon(&mut self, reading: &Reading, now: Instant, clock: SystemTime) -> Reckoned {
        let depths = Depth::of_all(reading);
        let pressed = hardest(&self.marks, reading, &depths);
        let pressure = pressed.as_ref().map(Pressed::pressure);
        self.learn(reading, now, &depths, pressure);
        let next_state = self.turned(pressure.unwrap_or(f64::NEG_INFINITY));
        if next_state != self.state {
            (self.state, self.since) = (next_state, clock);
        }
        let is_pressed = pressure.is_some_and(|pressure| pressure >= 0.0);
        self.pressed_since = is_pressed.then(|| self.pressed_since.unwrap_or(clock));
        let rate = match (self.state, pressure) {
            (FlowState::Slow, Some(pressure)) => {
                let service = self.service(pressed.as_ref());
                Some((service * (1.5 - pressure).clamp(0.0, 1.5)).max(LEAST))
            }
            _ => None,
        };
        let slowest = pressed.as_ref().and_then(|pressed| pressed.actor.as_deref());
        let reckoned = Reckoned {
            state: self.state,
            since: self.since,
            rate,
            stored: self.stored.per_second(),
            done: self.done_by(slowest),
            pressed: pressed.zip(self.pressed_since),
            full_in: self.full_in(reading),
            next: self.next_look(pressure),
            depths: depths.clone(),
        };
        let Reading { last, stored, .. } = reading;
        self.last = Some(Last { at: now, sequence: *last, messages: stored.messages, pressure, depths });
        reckoned
    }

    /// The state at this pressure, which may be what it will be at the next look.
    fn turned(&self, pressure: f64) -> FlowState {
        let ahead = pressure + self.slope.per_second() * QUICK.as_secs_f64();
        let is_too_much = pressure >= 1.0 || pressure >= 0.0 && ahead >= 1.0;
        match self.state {
            _ if is_too_much => FlowState::Stop,
            FlowState::Stop if pressure >= MIDDLE => FlowState::Stop,
            FlowState::Stop => FlowState::Slow,
            FlowState::Slow if pressure >= 0.0 => FlowState::Slow,
            FlowState::Open if pressure >= MIDDLE => FlowState::Slow,
            _ => FlowState::Open,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "differences of counts are small")]
    fn learn(&mut self, reading: &Reading, now: Instant, depths: &[Depth], pressure: Option<f64>) {
        let Some(last) = self.last.as_ref().filter(|last| last.sequence <= reading.last) else {
            // The first reading, or the stream was created again.
            self.slope = Rate::new(SLOPE_MEMORY);
            return;
        };
        let elapsed = now.saturating_duration_since(last.at);
        let change = |before: u64, after: u64| after as f64 - before as f64;
        let stored = change(last.sequence, reading.last);
        self.stored.observe(stored, elapsed);
        self.leaving.observe((stored - change(last.messages, reading.stored.messages)).max(0.0), elapsed);
        if let Some((before, after)) = last.pressure.zip(pressure) {
            self.slope.observe(after - before, elapsed);
        }
        for after in depths {
            // A consumer that was made anew counts from one.
            let is_same =
                |before: &&Depth| before.actor == after.actor && before.deliveries <= after.deliveries;
            let Some(before) = last.depths.iter().find(is_same) else { continue };
            let inherited = self.inherited;
            let of_actor = self.actors.entry(Arc::clone(&after.actor)).or_insert_with(|| Throughput {
                done: inherited.map_or(Rate::new(MEMORY), |rate| Rate::from(MEMORY, rate)),
                matched: Rate::new(MEMORY),
            });
            let delivered = change(before.deliveries, after.deliveries);
            let done = delivered - change(before.unsettled, after.unsettled);
            of_actor.done.observe(done.max(0.0), elapsed);
            let matched = delivered + change(before.waiting, after.waiting);
            of_actor.matched.observe(matched.max(0.0), elapsed);
        }
    }

    /// How many messages a second the stream gets rid of, of all that come: an actor that reads half of them and does a
    /// hundred a second lets two hundred in.
    fn service(&self, pressed: Option<&Pressed>) -> f64 {
        let Some(pressed) = pressed.filter(|pressed| pressed.mark != Mark::Fill) else {
            return self.leaving.per_second();
        };
        let done = self.done_by(pressed.actor.as_deref());
        let actor = pressed.actor.as_ref().and_then(|actor| self.actors.get(actor));
        let matched = actor.map_or(0.0, |actor| actor.matched.per_second());
        let stored = self.stored.per_second();
        if matched <= 0.0 || stored <= matched {
            return done;
        }
        done * stored / matched
    }

    /// How many messages a second an actor does; what leaves the stream when nobody reads it.
    fn done_by(&self, actor: Option<&str>) -> f64 {
        let rates = || self.actors.values().map(|actor| actor.done.per_second());
        match actor.and_then(|actor| self.actors.get(actor)) {
            Some(actor) => actor.done.per_second(),
            None if actor.is_none() && !self.actors.is_empty() => rates().fold(f64::INFINITY, f64::min),
            None if actor.is_none() => self.leaving.per_second(),
            None => self.inherited.unwrap_or_default(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a forecast is not exact")]
    fn full_in(&self, reading: &Reading) -> Option<f64> {
        let growth = self.stored.per_second() - self.leaving.per_second();
        let mean = reading.stored.bytes as f64 / reading.stored.messages.max(1) as f64;
        let left = |limit: u64, stored: u64| limit.saturating_sub(stored) as f64;
        let messages = reading.limit.messages.map(|limit| left(limit, reading.stored.messages) / growth);
        let bytes = reading.limit.bytes.map(|limit| left(limit, reading.stored.bytes) / (growth * mean));
        let soonest = messages.into_iter().chain(bytes).min_by(f64::total_cmp)?;
        (growth >= 0.5 && soonest.is_finite() && soonest < HORIZON).then_some(soonest)
    }

    fn next_look(&self, pressure: Option<f64>) -> Duration {
        let Some(pressure) = pressure else { return CALM };
        let in_a_second = pressure + self.slope.per_second();
        match self.state {
            FlowState::Open if pressure <= 0.0 && in_a_second < 1.0 => CALM,
            _ => QUICK,
        }
    }
}

#[cfg(test)]
mod tests;
