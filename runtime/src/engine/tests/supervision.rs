//! What partitions, drains and blocked entities do to others: nothing.

use std::time::Duration;

use super::harness::{Bench, Task, actor, on_paused_clock};
use crate::engine::Drained;
use crate::topology::Actor;

fn task(entity: &str) -> Task {
    Task { entity: entity.to_owned(), takes: 5, ..Task::default() }
}

#[test]
fn others_go_on_while_one_entity_retries() {
    on_paused_clock(async {
        let actor = Actor { partitions: 1, backoff: vec![Duration::from_secs(60)], ..actor() };
        let broker = Bench::broker_for(&actor);
        Bench::publish(&broker, &Task { fails: 1, ..task("sick") });
        for n in 0..10 {
            Bench::publish(&broker, &task(&format!("well-{n}")));
        }

        let bench = Bench::start(actor, broker.clone());
        tokio::time::sleep(Duration::from_secs(1)).await;

        assert_eq!(broker.settled().acked, (2..=11).collect());
        bench.finished().await;
        assert_eq!(broker.settled().acked.len(), 11);
    });
}

#[test]
fn a_killed_partition_costs_one_attempt_of_one_message() {
    on_paused_clock(async {
        let actor = Actor { partitions: 1, concurrency: 1, ..actor() };
        let broker = Bench::broker_for(&actor);
        Bench::publish(&broker, &Task { kills: 1, ..task("a") });
        for _ in 0..12 {
            Bench::publish(&broker, &task("a"));
        }

        let bench = Bench::start(actor, broker.clone());
        bench.finished().await;

        let tried: Vec<(u64, u32)> =
            bench.diary.entries().iter().map(|entry| (entry.sequence, entry.attempt)).collect();
        let expected: Vec<(u64, u32)> =
            [(1, 1), (1, 2)].into_iter().chain((2..=13).map(|sequence| (sequence, 1))).collect();
        assert_eq!(tried, expected);
        assert_eq!(bench.engine.watch().snapshot()[0].restarts, 1);
    });
}

#[test]
fn an_actor_whose_partition_dies_too_often_fails() {
    on_paused_clock(async {
        let actor = Actor { partitions: 1, restarts: 2, max_deliver: 9, ..actor() };
        let broker = Bench::broker_for(&actor);
        Bench::publish(&broker, &Task { kills: 9, ..task("a") });

        let mut bench = Bench::start(actor, broker.clone());
        tokio::time::timeout(Duration::from_secs(60), bench.engine.ended()).await.expect("the shard ends");

        let snapshot = &bench.engine.watch().snapshot()[0];
        assert!(snapshot.failed);
        assert_eq!((snapshot.restarts, snapshot.in_flight), (2, 0));
        assert_eq!(bench.diary.entries().len(), 3);
    });
}

#[test]
fn drain_finishes_what_runs_and_hands_back_the_rest() {
    on_paused_clock(async {
        let actor = Actor { partitions: 1, concurrency: 2, ..actor() };
        let broker = Bench::broker_for(&actor);
        for n in 0..8 {
            Bench::publish(&broker, &Task { takes: 1000, ..task(&format!("e{n}")) });
        }

        let bench = Bench::start(actor, broker.clone());
        tokio::time::sleep(Duration::from_millis(500)).await;
        let diary = bench.diary.clone();
        let drained = bench.engine.drain(Duration::from_secs(5)).await;

        assert_eq!(drained, Drained::Clean);
        assert_eq!(broker.settled().acked, [1, 2].into());
        assert_eq!(diary.entries().len(), 2);
        assert_eq!(broker.pending(), 6);
    });
}

#[test]
fn drain_gives_up_on_what_does_not_end() {
    on_paused_clock(async {
        let actor = Actor { timeout: Duration::from_secs(600), ..actor() };
        let broker = Bench::broker_for(&actor);
        Bench::publish(&broker, &Task { takes: 500_000, ..task("slow") });

        let bench = Bench::start(actor, broker.clone());
        tokio::time::sleep(Duration::from_millis(500)).await;

        assert_eq!(bench.engine.drain(Duration::from_secs(5)).await, Drained::TimedOut);
        assert!(broker.settled().acked.is_empty());
    });
}

#[test]
fn a_dead_letter_stream_that_is_full_blocks_the_entity_and_loses_nothing() {
    on_paused_clock(async {
        let actor = Actor { max_deliver: 1, ..actor() };
        let broker = Bench::broker_for(&actor);
        broker.refuse_publishes(5);
        Bench::publish(&broker, &Task { fails: 9, ..task("sick") });
        Bench::publish(&broker, &task("sick"));

        let bench = Bench::start(actor, broker.clone());
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(bench.engine.watch().snapshot()[0].blocked, 1);
        assert_eq!(bench.diary.entries().len(), 1);
        bench.finished().await;

        assert_eq!((broker.settled().termed.len(), broker.settled().acked.len()), (1, 1));
        assert_eq!(bench.engine.watch().snapshot()[0].blocked, 0);
    });
}

#[test]
fn an_attempt_that_takes_too_long_is_cut_off() {
    on_paused_clock(async {
        let actor = Actor { timeout: Duration::from_millis(100), max_deliver: 2, ..actor() };
        let broker = Bench::broker_for(&actor);
        Bench::publish(&broker, &Task { takes: 100_000, ..task("slow") });

        let bench = Bench::start(actor, broker.clone());
        bench.finished().await;

        let snapshot = &bench.engine.watch().snapshot()[0];
        assert_eq!((snapshot.timeouts, broker.settled().termed.len()), (2, 1));
    });
}

/// Whether the mailbox of the one partition is full a second after so many messages came, the first of which takes long.
async fn is_full_after(messages: usize) -> bool {
    let actor = Actor { partitions: 1, concurrency: 1, mailbox: 2, ..actor() };
    let broker = Bench::broker_for(&actor);
    Bench::publish(&broker, &Task { takes: 4000, ..task("slow") });
    for other in 1..messages {
        Bench::publish(&broker, &task(&format!("other-{other}")));
    }
    let bench = Bench::start(actor, broker);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let shards = bench.engine.watch().shards();
    bench.finished().await;
    shards[0].fullest.as_ref().is_some_and(|fullest| fullest.full_since.is_some())
}

#[test]
fn a_mailbox_takes_its_number_of_deliveries_however_many_come_together() {
    on_paused_clock(async {
        // One runs, one waits for the slot, two are in the mailbox.
        assert!(!is_full_after(4).await);
        assert!(is_full_after(5).await);
    });
}
