//! Numbers that are past their thresholds are told, and those of an actor that was told to stop are no stall.

use std::time::Duration;

use tokio::time::sleep;

use super::control::say;
use super::harness::{Bench, Surroundings, Task, actor, on_paused_clock};
use crate::message::{AlertName, AlertTurn, ControlState};
use crate::topology::{Actor, Alerts};

const SECOND: Duration = Duration::from_secs(1);

fn watched(alerts: Alerts) -> Actor {
    Actor { alerts, timeout: SECOND * 600, ack_wait: SECOND * 600, ..actor() }
}

fn task(takes: Duration) -> Task {
    let takes = u64::try_from(takes.as_millis()).expect("a short time");
    Task { entity: "e".to_owned(), takes, ..Task::default() }
}

fn told(around: &Told) -> Vec<(AlertTurn, AlertName)> {
    around.alarm.events().into_iter().map(|event| (event.event, event.alert.name)).collect()
}

/// What a bench tells, and what it is told.
#[derive(Default)]
struct Told {
    alarm: crate::memory::MemoryAlarm,
    held: crate::memory::MemoryHeld,
    controls: crate::memory::MemoryControls,
}

fn start(alerts: Alerts, told: &Told, tasks: &[Task]) -> Bench {
    let actor = watched(alerts);
    let broker = Bench::broker_for(&actor);
    for task in tasks {
        Bench::publish(&broker, task);
    }
    let around = Surroundings {
        alarm: told.alarm.clone(),
        held: told.held.clone(),
        controls: told.controls.clone(),
        ..Surroundings::default()
    };
    Bench::start_among(actor, broker, around)
}

#[test]
fn a_slow_attempt_is_told_once_and_cleared_when_the_others_are_fast() {
    on_paused_clock(async {
        let around = Told::default();
        let alerts = Alerts { processing: Some(SECOND), ..Alerts::default() };

        let bench = start(alerts, &around, &[task(SECOND * 3)]);
        sleep(SECOND * 30).await;
        let raised = (told(&around), bench.engine.watch().alerts());
        sleep(SECOND * 90).await;

        assert_eq!(raised.0, [(AlertTurn::Raised, AlertName::Processing)]);
        assert_eq!(
            raised.1[0].text,
            "event processing time exceeding threshold: 3000ms for the slowest attempt"
        );
        assert_eq!(told(&around).last(), Some(&(AlertTurn::Cleared, AlertName::Processing)));
        assert!(bench.engine.watch().alerts().is_empty());
    });
}

#[test]
fn an_actor_that_does_nothing_with_what_it_has_is_stalled_and_a_paused_one_is_not() {
    on_paused_clock(async {
        let alerts = Alerts { stalled: Some(SECOND * 60), ..Alerts::default() };
        let (stalled, paused) = (Told::default(), Told::default());

        let first = start(alerts.clone(), &stalled, &[task(SECOND * 300), task(SECOND)]);
        let second = start(alerts, &paused, &[task(SECOND * 2), task(SECOND)]);
        sleep(SECOND).await;
        say(&paused.controls, ControlState::Paused).await;
        sleep(SECOND * 200).await;
        let in_hand = second.broker.pending();
        say(&paused.controls, ControlState::Working).await;
        first.finished().await;
        second.finished().await;
        sleep(SECOND * 30).await;

        let both = [(AlertTurn::Raised, AlertName::Stalled), (AlertTurn::Cleared, AlertName::Stalled)];
        assert_eq!(told(&stalled), both);
        assert_eq!((told(&paused), in_hand), (Vec::new(), 1));
    });
}

#[test]
fn dead_letters_that_are_held_are_told_by_who_has_the_first_shard() {
    on_paused_clock(async {
        let around = Told::default();
        around.held.set(7);
        let alerts = Alerts { dead_letters: Some(5), ..Alerts::default() };

        let _bench = start(alerts, &around, &[]);
        sleep(SECOND * 30).await;

        assert_eq!(told(&around), [(AlertTurn::Raised, AlertName::DeadLetters)]);
        assert_eq!(around.alarm.events()[0].alert.text, "dead letter queue overflow: 7 failed events");
    });
}
