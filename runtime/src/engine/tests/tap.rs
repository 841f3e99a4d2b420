//! Who taps an actor sees how its messages end; while nobody does, nothing is told.

use std::time::Duration;

use tokio::time::sleep;

use super::harness::{Bench, Surroundings, Task, actor, on_paused_clock};
use crate::memory::{MemoryBroker, MemoryTaps};
use crate::message::{TapFilter, TapOutcome, TapRequest, Tapped};

const SECOND: Duration = Duration::from_secs(1);

fn task(entity: &str, fails: u32) -> Task {
    Task { entity: entity.to_owned(), fails, takes: 5, ..Task::default() }
}

fn request(filter: TapFilter) -> TapRequest {
    TapRequest { id: "a test".to_owned(), holds_ms: 5000, filter }
}

fn start() -> (Bench, MemoryBroker, MemoryTaps) {
    let taps = MemoryTaps::default();
    let broker = Bench::broker_for(&actor());
    let around = Surroundings { taps: taps.clone(), ..Surroundings::default() };
    (Bench::start_among(actor(), broker.clone(), around), broker, taps)
}

/// How messages ended, with the number of the attempt.
fn endings(shown: &[Tapped]) -> Vec<(&str, u32, TapOutcome)> {
    shown.iter().map(|tapped| (&*tapped.key, tapped.attempt, tapped.outcome)).collect()
}

#[test]
fn a_tap_shows_how_each_attempt_of_an_entity_ends() {
    on_paused_clock(async {
        let (bench, broker, taps) = start();
        sleep(SECOND).await;
        taps.ask("clerk", request(TapFilter { key: Some("ada".to_owned()), ..TapFilter::all() }));
        sleep(SECOND).await;

        for task in [task("ada", 1), task("bob", 0), task("ada", 9)] {
            Bench::publish(&broker, &task);
        }
        bench.finished().await;
        sleep(SECOND).await;

        let shown = taps.shown();
        let (ok, retry, dead) = (TapOutcome::Ok, TapOutcome::Retry, TapOutcome::Dead);
        assert_eq!(
            endings(&shown),
            [
                ("ada", 1, retry),
                ("ada", 2, ok),
                ("ada", 1, retry),
                ("ada", 2, retry),
                ("ada", 3, retry),
                ("ada", 4, dead)
            ]
        );
        assert_eq!(
            (&*shown[0].instance, &*shown[0].actor, &*shown[0].subject),
            ("bench", "clerk", "tasks.ada")
        );
        assert_eq!((shown[0].error.as_deref(), &shown[1].error), (Some("as the task asks"), &None));
        assert!(shown[5].ms.is_some_and(|ms| ms >= 5.0) && shown[5].payload.contains("ada"), "{shown:?}");
    });
}

#[test]
fn nothing_is_shown_before_somebody_asks_and_after_he_has_stopped() {
    on_paused_clock(async {
        let (bench, broker, taps) = start();
        let shown_of = async |entity| {
            Bench::publish(&broker, &task(entity, 0));
            bench.finished().await;
            sleep(SECOND / 10).await;
            taps.shown().len()
        };

        let before = shown_of("before").await;
        taps.ask("clerk", request(TapFilter::all()));
        sleep(SECOND).await;
        let asked = shown_of("asked").await;
        taps.ask("another", TapRequest { holds_ms: 0, ..request(TapFilter::all()) });
        sleep(SECOND * 3).await;
        let held = shown_of("held").await;
        sleep(SECOND).await;
        let lapsed = shown_of("lapsed").await;
        taps.ask("clerk", request(TapFilter::all()));
        taps.ask("clerk", TapRequest { holds_ms: 0, ..request(TapFilter::all()) });
        sleep(SECOND).await;
        let ended = shown_of("ended").await;

        assert_eq!([before, asked, held, lapsed, ended], [0, 1, 2, 2, 2]);
    });
}

#[test]
fn what_comes_too_fast_is_counted_and_holds_up_nobody() {
    on_paused_clock(async {
        let (bench, broker, taps) = start();
        sleep(SECOND).await;
        taps.ask("clerk", TapRequest { holds_ms: 10_000, ..request(TapFilter::all()) });
        sleep(SECOND).await;

        taps.clog();
        for number in 0..400 {
            Bench::publish(&broker, &task(&format!("e{number}"), 0));
        }
        bench.finished().await;
        taps.unclog();
        sleep(SECOND).await;
        Bench::publish(&broker, &task("last", 0));
        bench.finished().await;
        sleep(SECOND).await;

        let shown = taps.shown();
        let last = shown.last().expect("something is shown");
        assert_eq!(last.key, "last");
        assert!(last.missed > 100, "{last:?}");
        assert_eq!(shown.len() as u64 + last.missed, 401);
    });
}
