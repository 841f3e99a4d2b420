//! A bad deploy does not empty the stream into the dead letters.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{ACTOR, LONG, done, publish, say};
use crate::engine::tests::harness::{Bench, Surroundings, actor, on_paused_clock};
use crate::memory::{MemoryBroker, MemoryControls};
use crate::message::{ControlState, ShardId};
use crate::topology::{Actor, DeadLetterLimits};

const MESSAGES: u64 = 200;
const LIMIT: u64 = 10;

fn limited() -> Actor {
    let dead_letter_limits = DeadLetterLimits { consecutive: Some(LIMIT), ..DeadLetterLimits::NONE };
    Actor { dead_letter_limits, ..actor() }
}

fn start_as(id: &'static str, controls: &MemoryControls, broker: &MemoryBroker) -> Bench {
    let around = Surroundings { controls: controls.clone(), id, ..Surroundings::default() };
    Bench::start_among(limited(), broker.clone(), around)
}

/// A bench whose handler fails every attempt, and that has reached its limit.
async fn tripped(controls: &MemoryControls) -> (Bench, MemoryBroker) {
    let broker = Bench::broker_for(&limited());
    publish(&broker, MESSAGES, 1);
    let bench = start_as("bench", controls, &broker);
    bench.diary.break_handler(true);
    controls.until(ACTOR, |control| control.state == ControlState::Probing).await;
    (bench, broker)
}

fn dead_letters(broker: &MemoryBroker) -> u64 {
    broker.settled().termed.len() as u64
}

#[test]
fn a_handler_that_fails_all_does_not_drain_the_stream_into_the_dead_letters() {
    on_paused_clock(async {
        let controls = MemoryControls::default();
        let (bench, broker) = tripped(&controls).await;

        let why = controls.entry(ACTOR).why;
        let begun = bench.diary.entries().len();
        sleep(LONG).await;
        let probes = bench.diary.entries().len() - begun;

        assert_eq!(why, "10 dead letters in a row");
        assert_eq!(dead_letters(&broker), LIMIT - 1);
        assert!(broker.pending() <= limited().window);
        // Ten minutes, thirty seconds at most between two of them.
        assert!((20..40).contains(&probes), "{probes} probes");
    });
}

#[test]
fn one_probe_at_a_time_and_at_growing_intervals() {
    on_paused_clock(async {
        let controls = MemoryControls::default();
        let (bench, _) = tripped(&controls).await;
        let begun = bench.diary.entries().len();
        sleep(LONG).await;

        let entries = bench.diary.entries().split_off(begun + 1);
        let waits: Vec<Duration> =
            entries.windows(2).map(|pair| pair[1].started - pair[0].ended.expect("it has ended")).collect();

        // One probe may be preceded by a second in which a fresh message is looked for.
        assert!(waits.iter().all(|wait| *wait >= Duration::from_secs(1)), "{waits:?}");
        assert!(waits.iter().skip(8).all(|wait| *wait >= Duration::from_secs(30)), "{waits:?}");
    });
}

#[test]
fn goes_on_by_itself_when_the_handler_is_well_again_and_nothing_is_lost_or_out_of_order() {
    on_paused_clock(async {
        let controls = MemoryControls::default();
        let (bench, broker) = tripped(&controls).await;
        sleep(LONG).await;
        let dead = dead_letters(&broker);

        bench.diary.break_handler(false);
        bench.finished().await;

        let control = controls.entry(ACTOR);
        assert_eq!((control.state, control.by.as_str()), (ControlState::Working, "bench"));
        assert_eq!(dead_letters(&broker), dead, "those that waited were tried once more");
        assert_eq!(done(&broker) + dead, MESSAGES);
        assert_done_in_order(&broker);
    });
}

/// Each entity's messages are published in order, and so are what they emit.
fn assert_done_in_order(broker: &MemoryBroker) {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for emit in broker.settled().outbox.iter().filter(|emit| emit.subject.starts_with("done.")) {
        let sequence: u64 = emit.id.split(':').nth(1).and_then(|text| text.parse().ok()).expect("an id");
        let before = last.insert(emit.subject.clone(), sequence);
        assert!(before < Some(sequence), "{} after {before:?}", emit.id);
    }
}

#[test]
fn an_operator_lets_it_go_on_and_it_stops_again_if_nothing_was_cured() {
    on_paused_clock(async {
        let controls = MemoryControls::default();
        let (_bench, broker) = tripped(&controls).await;

        say(&controls, ControlState::Working).await;
        controls.until(ACTOR, |control| control.state == ControlState::Probing).await;

        assert_eq!(dead_letters(&broker), 2 * (LIMIT - 1));
    });
}

#[test]
fn a_bucket_that_is_away_does_not_keep_it_from_stopping_or_going_on() {
    on_paused_clock(async {
        let controls = MemoryControls::default();
        let broker = Bench::broker_for(&limited());
        publish(&broker, MESSAGES, 1);
        controls.cut();
        let bench = start_as("bench", &controls, &broker);
        bench.diary.break_handler(true);
        sleep(LONG).await;
        let state = bench.engine.watch().controls()[0].control.state;
        let dead = dead_letters(&broker);

        bench.diary.break_handler(false);
        controls.mend();
        bench.finished().await;

        assert_eq!((state, dead), (ControlState::Probing, LIMIT - 1));
        assert_eq!(controls.entry(ACTOR).state, ControlState::Working);
    });
}

#[test]
fn a_successor_probes_on_and_resumes_when_the_one_that_stopped_is_gone() {
    on_paused_clock(async {
        let controls = MemoryControls::default();
        let (bench, broker) = tripped(&controls).await;
        // It dies and settles nothing.
        drop(bench);

        let heir = start_as("heir", &controls, &broker);
        heir.diary.break_handler(true);
        sleep(LONG).await;
        let dead = dead_letters(&broker);
        heir.diary.break_handler(false);
        heir.finished().await;

        assert_eq!(dead, LIMIT - 1, "what failed its last try before was buried");
        assert_eq!(controls.entry(ACTOR).by, "heir");
        assert_eq!(done(&broker) + dead_letters(&broker), MESSAGES);
    });
}

#[test]
fn who_has_none_of_the_messages_that_fail_does_not_let_the_actor_go_on() {
    on_paused_clock(async {
        let controls = MemoryControls::default();
        let (_bench, _) = tripped(&controls).await;
        let broker = Bench::broker_for(&limited());
        publish(&broker, MESSAGES, 1);
        let shard = ShardId { actor: ACTOR.into(), shard: 1 };
        let owners = BTreeMap::from([(shard, "bench".parse().expect("an id"))]);

        let around =
            Surroundings { controls: controls.clone(), id: "other", owners, ..Surroundings::default() };
        let other = Bench::start_among(limited(), broker.clone(), around);
        let start = Instant::now();
        other.finished().await;

        assert!(start.elapsed() < LONG, "good probes follow one another");
        assert_eq!(controls.entry(ACTOR).state, ControlState::Probing);
    });
}

#[test]
fn without_limits_everything_that_fails_becomes_a_dead_letter() {
    on_paused_clock(async {
        let broker = Bench::broker_for(&actor());
        publish(&broker, MESSAGES, 1);
        let bench =
            Bench::start(Actor { dead_letter_limits: DeadLetterLimits::NONE, ..actor() }, broker.clone());
        bench.diary.break_handler(true);

        bench.finished().await;

        assert_eq!(dead_letters(&broker), MESSAGES);
    });
}
