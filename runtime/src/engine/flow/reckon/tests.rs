//! Streams that are fed and read at will, and what is made of them.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use tokio::time::Instant;

use super::*;
use crate::message::ShardId;
use crate::port::{Limit, Load, Reader};
use crate::topology::Marks;

const CLOCK: SystemTime = SystemTime::UNIX_EPOCH;

/// A stream whose marks are at 500 and 1000, with one actor that reads it.
struct World {
    reckoner: Reckoner,
    now: Instant,
    last: u64,
    done: u64,
    in_hand: u64,
    /// How many of ten messages the actor reads.
    share: u64,
}

impl World {
    fn new(previous: Option<&Flow>) -> Self {
        let marks = FlowMarks { messages: Some(Marks { low: 500, high: 1000 }), ..FlowMarks::default() };
        let reckoner = Reckoner::new(marks, previous, CLOCK);
        Self { reckoner, now: Instant::now(), last: 0, done: 0, in_hand: 0, share: 10 }
    }

    fn waiting(&self) -> u64 {
        self.last * self.share / 10 - self.done
    }

    /// After a look's time so many are stored and at most so many done.
    fn look(&mut self, stored: u64, done: u64) -> Reckoned {
        self.now += QUICK;
        self.last += stored;
        self.done += done.min(self.waiting());
        self.in_hand = self.waiting().min(10);
        let reading = Reading {
            at: CLOCK,
            stored: Load { messages: self.last, bytes: self.last * 100 },
            limit: Limit { messages: Some(1_000_000), bytes: None },
            last: self.last,
            readers: vec![Reader {
                shard: ShardId { actor: "a".into(), shard: 0 },
                waiting: self.waiting() - self.in_hand,
                unsettled: self.in_hand,
                deliveries: self.done + self.in_hand,
                oldest: None,
            }],
        };
        self.reckoner.reckon(&reading, self.now, CLOCK + Duration::from_millis(self.last))
    }
}

fn announced(state: FlowState, done: f64) -> Flow {
    Flow {
        stream: "S".to_owned(),
        subjects: Vec::new(),
        state,
        since: CLOCK,
        rate: None,
        stored: done * 5.0,
        done,
        pressure: None,
        full_in: None,
        holds: 5000,
        instance: "gone".to_owned(),
        written: CLOCK,
    }
}

#[test]
fn a_flood_is_stopped_one_look_ahead() {
    let mut world = World::new(None);

    let states: Vec<(u64, FlowState)> =
        (0..12).map(|_| (world.look(100, 0).state, world.waiting())).map(|(state, at)| (at, state)).collect();

    let at = |depth| states.iter().find(|(at, _)| *at == depth).map(|(_, state)| *state);
    assert_eq!(at(700), Some(FlowState::Open));
    assert_eq!(at(800), Some(FlowState::Slow));
    assert_eq!(at(900), Some(FlowState::Stop), "at the next look it would be at the mark");
}

#[test]
fn a_stream_that_drains_goes_through_slow_to_open() {
    let mut world = World::new(None);
    for _ in 0..10 {
        world.look(100, 0);
    }

    let turns: Vec<(FlowState, u64)> =
        (0..10).map(|_| world.look(0, 100).state).zip((0..10).map(|look| 900 - look * 100)).collect();

    assert_eq!(turns[0], (FlowState::Stop, 900));
    assert_eq!(turns[1], (FlowState::Stop, 800));
    assert_eq!(turns[2], (FlowState::Slow, 700));
    assert_eq!(turns[4], (FlowState::Slow, 500), "at the low mark it is still slow");
    assert_eq!(turns[5], (FlowState::Open, 400));
}

#[test]
fn publishers_that_keep_to_the_rate_come_to_rest_between_the_marks() {
    let mut world = World::new(None);
    let (mut allowed, mut stored) = (f64::INFINITY, Vec::new());

    for _ in 0..300 {
        // Five times the capacity, which is 20 a look.
        let offered = 100.0_f64.min(allowed / 10.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
        let offered = offered as u64;
        let reckoned = world.look(offered, 20);
        allowed = match reckoned.state {
            FlowState::Open => f64::INFINITY,
            FlowState::Slow => reckoned.rate.expect("a slow stream has a rate"),
            _ => 0.0,
        };
        stored.push(offered);
    }

    let late: u64 = stored[200..].iter().sum();
    assert!((1900..=2100).contains(&late), "{late} of 2000 were stored");
    assert!(world.waiting() > 500 && world.waiting() < 1000, "{} wait", world.waiting());
}

#[test]
fn an_actor_that_reads_a_part_lets_in_more_than_it_does() {
    let mut world = World { share: 2, ..World::new(None) };
    for _ in 0..38 {
        world.look(200, 20);
    }

    let reckoned = world.look(200, 20);

    assert_eq!(reckoned.state, FlowState::Slow, "{} wait", world.waiting());
    let rate = reckoned.rate.expect("a slow stream has a rate");
    assert!((reckoned.done - 200.0).abs() < 1.0, "{reckoned:?}");
    assert!((500.0..1500.0).contains(&rate), "200 a second of one message in five: {rate}");
}

#[test]
fn what_another_instance_has_found_is_gone_on_from() {
    let flow = Flow { since: CLOCK + Duration::from_secs(7), ..announced(FlowState::Slow, 200.0) };
    let mut world = World::new(Some(&flow));

    let first = world.look(700, 0);

    assert_eq!((first.state, first.since), (FlowState::Slow, flow.since));
    assert!(first.rate.expect("it is slow") > 150.0, "{first:?}");
}

#[test]
fn a_stream_that_was_created_again_begins_anew() {
    let mut world = World::new(None);
    for _ in 0..20 {
        world.look(100, 0);
    }
    (world.last, world.done) = (0, 0);

    let first = world.look(10, 0);

    assert_eq!(first.state, FlowState::Slow, "{first:?}");
    assert_eq!(world.look(10, 0).state, FlowState::Open);
}

#[test]
fn nobody_looks_often_while_nothing_happens() {
    let mut world = World::new(None);

    assert_eq!(world.look(10, 10).next, CALM);
    assert_eq!(world.look(10, 10).next, CALM);
    assert_eq!(world.look(200, 10).next, QUICK, "at this pace it is at its mark within a second");
}

#[test]
fn it_is_told_when_the_stream_will_be_full() {
    let mut world = World::new(None);
    world.look(0, 0);

    let full_in = world.look(1000, 0).full_in.expect("it fills");

    assert!((99.0..100.0).contains(&full_in), "999,000 more at 10,000 a second: {full_in}");
}

proptest! {
    #[test]
    fn never_open_past_the_mark_and_never_a_negative_rate(
        looks in proptest::collection::vec((0_u64..400, 0_u64..400), 1..120),
    ) {
        let mut world = World::new(None);
        for (stored, done) in looks {
            let reckoned = world.look(stored, done);
            let waiting = world.waiting();

            if waiting >= 1000 {
                prop_assert_eq!(reckoned.state, FlowState::Stop, "{} wait", waiting);
            }
            if waiting >= 750 {
                prop_assert_ne!(reckoned.state, FlowState::Open, "{} wait", waiting);
            }
            if waiting < 500 {
                prop_assert_ne!(reckoned.state, FlowState::Stop, "{} wait", waiting);
            }
            prop_assert_eq!(reckoned.rate.is_some(), reckoned.state == FlowState::Slow);
            prop_assert!(reckoned.rate.is_none_or(|rate| rate >= LEAST && rate.is_finite()));
            prop_assert!(reckoned.done >= 0.0 && reckoned.stored >= 0.0);
            prop_assert!(reckoned.full_in.is_none_or(|seconds| seconds >= 0.0));
        }
    }

    #[test]
    fn what_does_not_change_does_not_turn(
        depth in 0_u64..1500, flow in 0_u64..300,
        before in prop_oneof![Just(FlowState::Open), Just(FlowState::Slow), Just(FlowState::Stop)],
    ) {
        let mut world = World::new(Some(&announced(before, 100.0)));
        world.look(depth, 0);
        let steady: Vec<FlowState> = (0..100).map(|_| world.look(flow, flow).state).collect();

        let turns = steady.windows(2).filter(|pair| pair[0] != pair[1]).count();
        prop_assert!(turns <= 1, "{:?}", steady);
    }
}
