//! A partition that does nothing although it could is restarted; one that waits for something is not.

use std::time::Duration;

use super::harness::{Bench, Task, actor, on_paused_clock};
use crate::planted::{Bug, plant};
use crate::topology::Actor;

fn task(entity: &str) -> Task {
    Task { entity: entity.to_owned(), takes: 5, ..Task::default() }
}

fn tried(bench: &Bench) -> Vec<(u64, u32)> {
    bench.diary.entries().iter().map(|entry| (entry.sequence, entry.attempt)).collect()
}

#[test]
fn a_partition_that_forgets_a_lane_is_restarted() {
    on_paused_clock(async {
        plant(Bug::LostWakeUp);
        let actor = Actor { partitions: 1, ..actor() };
        let broker = Bench::broker_for(&actor);
        for _ in 0..40 {
            Bench::publish(&broker, &task("a"));
        }

        let bench = Bench::start(actor, broker.clone());
        bench.finished().await;

        let snapshot = &bench.engine.watch().snapshot()[0];
        assert_eq!((snapshot.stalls, snapshot.restarts), (1, 1));
        assert_eq!(tried(&bench), (1..=40).map(|sequence| (sequence, 1)).collect::<Vec<_>>());
    });
}

#[test]
fn a_forgotten_lane_is_found_while_its_neighbours_retry_and_go_on() {
    on_paused_clock(async {
        plant(Bug::LostWakeUp);
        let actor = Actor { partitions: 1, backoff: vec![Duration::from_secs(500)], ..actor() };
        let broker = Bench::broker_for(&actor);
        Bench::publish(&broker, &Task { fails: 1, ..task("sick") });
        for _ in 0..3 {
            Bench::publish(&broker, &task("a"));
        }

        let bench = Bench::start(actor, broker.clone());
        for n in 0..100 {
            Bench::publish(&broker, &task(&format!("well-{n}")));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }

        assert_eq!(bench.engine.watch().snapshot()[0].stalls, 1);
        // The restart has cut the retry's wait short, as any does.
        assert_eq!(broker.settled().acked, (1..=104).collect());
    });
}

#[test]
fn what_waits_for_a_slot_a_retry_or_the_broker_is_not_stalled() {
    on_paused_clock(async {
        let actor = Actor {
            partitions: 2,
            concurrency: 1,
            timeout: Duration::from_secs(200),
            backoff: vec![Duration::from_secs(200)],
            ..actor()
        };
        let broker = Bench::broker_for(&actor);
        broker.refuse_publishes(20);
        for n in 0..4 {
            Bench::publish(
                &broker,
                &Task { takes: 50_000, fails: u32::from(n == 0), ..task(&format!("e{n}")) },
            );
            Bench::publish(&broker, &task(&format!("e{n}")));
        }

        let bench = Bench::start(actor, broker.clone());
        bench.finished().await;

        let snapshot = &bench.engine.watch().snapshot()[0];
        assert_eq!((snapshot.stalls, snapshot.restarts), (0, 0));
        assert_eq!(broker.settled().acked.len(), 8);
    });
}
