//! Pause, resume and drain.

use std::time::Duration;

use tokio::time::sleep;

use super::{LONG, done, publish, say};
use crate::engine::tests::harness::{Bench, Surroundings, actor, on_paused_clock};
use crate::memory::{MemoryBroker, MemoryControls};
use crate::message::ControlState;
use crate::telemetry::metric::{self, Observations};

const MESSAGES: u64 = 200;

async fn start(controls: &MemoryControls) -> (Bench, MemoryBroker) {
    let broker = Bench::broker_for(&actor());
    let around = Surroundings { controls: controls.clone(), ..Surroundings::default() };
    let bench = Bench::start_among(actor(), broker.clone(), around);
    sleep(Duration::from_secs(1)).await;
    (bench, broker)
}

#[test]
fn a_paused_actor_begins_no_attempt_and_loses_nothing_but_time() {
    on_paused_clock(async {
        let controls = MemoryControls::default();
        let (bench, broker) = start(&controls).await;
        publish(&broker, MESSAGES, 50);
        sleep(Duration::from_millis(120)).await;

        say(&controls, ControlState::Paused).await;
        sleep(Duration::from_millis(100)).await;
        let (begun, before) = (bench.diary.entries().len(), done(&broker));
        sleep(LONG).await;
        let (still, after) = (bench.diary.entries().len(), done(&broker));
        say(&controls, ControlState::Working).await;
        bench.finished().await;

        assert!(before < MESSAGES, "{before}: it was too late to pause");
        assert_eq!((still, after), (begun, before), "what ran has ended, and nothing has begun");
        let snapshot = &bench.engine.watch().snapshot()[0];
        assert_eq!((snapshot.done, snapshot.failed_attempts, snapshot.stalls), (MESSAGES, 0, 0));
        assert!(bench.diary.entries().iter().all(|entry| entry.attempt == 1));
    });
}

/// What the metric says that could run now.
fn runnable(bench: &Bench) -> f64 {
    let mut observations = Observations::default();
    bench.engine.watch().observe(&mut observations);
    observations.of(&metric::RUNNABLE).iter().map(|(_, count)| count).sum()
}

#[test]
fn nothing_is_runnable_while_an_actor_is_paused() {
    on_paused_clock(async {
        let controls = MemoryControls::default();
        let (bench, broker) = start(&controls).await;
        publish(&broker, MESSAGES, 50);
        sleep(Duration::from_millis(120)).await;

        let before = runnable(&bench);
        say(&controls, ControlState::Paused).await;
        sleep(Duration::from_secs(1)).await;
        let (paused, in_hand) = (runnable(&bench), broker.pending());
        say(&controls, ControlState::Working).await;
        sleep(Duration::from_millis(10)).await;

        assert!(before > 0.0 && in_hand > 0 && runnable(&bench) > 0.0, "{before} {in_hand}");
        assert!(paused.abs() < f64::EPSILON, "{paused}");
    });
}

#[test]
fn a_draining_actor_finishes_what_is_in_hand_and_takes_nothing_in() {
    on_paused_clock(async {
        let controls = MemoryControls::default();
        let (bench, broker) = start(&controls).await;
        publish(&broker, MESSAGES, 50);
        sleep(Duration::from_millis(120)).await;

        say(&controls, ControlState::Draining).await;
        sleep(LONG).await;
        let (drained, in_hand) = (done(&broker), broker.pending());
        say(&controls, ControlState::Working).await;
        bench.finished().await;

        assert!(drained < MESSAGES, "{drained}");
        assert_eq!(in_hand, 0);
        assert_eq!(done(&broker), MESSAGES);
    });
}

#[test]
fn what_was_asked_for_before_a_pause_is_taken_back() {
    on_paused_clock(async {
        let controls = MemoryControls::default();
        // Its requests are open when it is paused.
        let (bench, broker) = start(&controls).await;
        say(&controls, ControlState::Paused).await;
        sleep(Duration::from_secs(1)).await;

        publish(&broker, MESSAGES, 1);
        sleep(LONG).await;

        assert_eq!(broker.pending(), 0, "a paused actor was given messages");
        say(&controls, ControlState::Working).await;
        bench.finished().await;
    });
}

#[test]
fn a_control_survives_a_restart() {
    on_paused_clock(async {
        let controls = MemoryControls::default();
        say(&controls, ControlState::Paused).await;
        let broker = Bench::broker_for(&actor());
        publish(&broker, MESSAGES, 1);

        let around = Surroundings { controls: controls.clone(), ..Surroundings::default() };
        let bench = Bench::start_among(actor(), broker.clone(), around);
        sleep(LONG).await;

        assert!(bench.diary.entries().is_empty());
        assert_eq!(broker.pending(), 0);
        assert_eq!(bench.engine.watch().controls()[0].control.state, ControlState::Paused);
        say(&controls, ControlState::Working).await;
        bench.finished().await;
    });
}

#[test]
fn a_paused_actor_can_be_drained_away() {
    on_paused_clock(async {
        let controls = MemoryControls::default();
        let (bench, broker) = start(&controls).await;
        publish(&broker, MESSAGES, 50);
        sleep(Duration::from_millis(120)).await;
        say(&controls, ControlState::Paused).await;
        sleep(Duration::from_secs(1)).await;

        let Bench { engine, .. } = bench;
        let drained = engine.drain(Duration::from_secs(30)).await;

        assert_eq!(drained, crate::engine::Drained::Clean);
    });
}
