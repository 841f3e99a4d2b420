//! Order, retries, credits and slots under random work and random interruptions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::harness::{Bench, Entry, Task, actor, on_paused_clock};
use crate::engine::Drained;
use crate::topology::Actor;

#[derive(Debug, Clone)]
struct Scenario {
    tasks: Vec<Task>,
    partitions: u32,
    mailbox: usize,
    concurrency: usize,
    /// When, in milliseconds, messages get lost on their way, and how many of the batch arrive.
    interruptions: Vec<(u64, usize)>,
    refused_publishes: u32,
}

fn task() -> impl Strategy<Value = Task> {
    let fails = prop_oneof![6 => Just(0_u32), 2 => 1..4_u32, 1 => Just(9_u32)];
    let kills = prop_oneof![30 => Just(0_u32), 1 => Just(1_u32)];
    (0..6_u8, 0..30_u64, fails, kills, any::<bool>()).prop_map(|(entity, takes, fails, kills, panics)| Task {
        entity: format!("e{entity}"),
        takes,
        fails,
        kills,
        panics,
    })
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let interruptions = prop::collection::vec((0..2000_u64, 0..4_usize), 0..4);
    (prop::collection::vec(task(), 1..80), 1..5_u32, 1..6_usize, 1..4_usize, interruptions, 0..4_u32)
        .prop_map(|(tasks, partitions, mailbox, concurrency, interruptions, refused_publishes)| Scenario {
            tasks,
            partitions,
            mailbox,
            concurrency,
            interruptions,
            refused_publishes,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn keeps_its_promises_whatever_the_work(scenario in scenario()) {
        on_paused_clock(run(scenario))?;
    }
}

async fn run(scenario: Scenario) -> Result<(), TestCaseError> {
    let actor = Actor {
        partitions: scenario.partitions,
        mailbox: scenario.mailbox,
        concurrency: scenario.concurrency,
        restarts: u32::MAX,
        ..actor()
    };
    let broker = Bench::broker_for(&actor);
    for task in &scenario.tasks {
        Bench::publish(&broker, task);
    }
    broker.refuse_publishes(scenario.refused_publishes);

    let bench = Bench::start(actor.clone(), broker.clone());
    let faults = async {
        for (at, kept) in &scenario.interruptions {
            tokio::time::sleep(Duration::from_millis(*at)).await;
            broker.interrupt_after(*kept);
        }
    };
    let watch = bench.engine.watch();
    let most_in_flight = async {
        let mut most = 0;
        while !broker.is_finished() {
            most = most.max(watch.snapshot()[0].in_flight);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        most
    };
    let ((), (), most_in_flight) = tokio::join!(faults, bench.finished(), most_in_flight);
    let diary = bench.diary.entries();
    let drained = bench.engine.drain(Duration::from_secs(10)).await;

    prop_assert_eq!(drained, Drained::Clean);
    prop_assert!(most_in_flight <= actor.window, "{} in flight", most_in_flight);
    check_outcomes(&scenario, &broker, &actor)?;
    check_order(&scenario, &diary)?;
    check_tries(&scenario, &diary, &actor)
}

/// Every message is done or dead, once, as its task asks.
fn check_outcomes(
    scenario: &Scenario,
    broker: &crate::memory::MemoryBroker,
    actor: &Actor,
) -> Result<(), TestCaseError> {
    let settled = broker.settled();
    let all: BTreeSet<u64> = (1..=scenario.tasks.len() as u64).collect();
    let ended: BTreeSet<u64> = settled.acked.union(&settled.termed).copied().collect();
    prop_assert_eq!(&ended, &all);
    prop_assert!(settled.acked.is_disjoint(&settled.termed));
    let doomed: BTreeSet<u64> = (1..)
        .zip(&scenario.tasks)
        .filter(|(_, task)| task.fails.max(task.kills) >= actor.max_deliver)
        .map(|(sequence, _)| sequence)
        .collect();
    prop_assert!(settled.termed.is_superset(&doomed));
    let dead = settled.outbox.iter().filter(|outbound| outbound.subject.starts_with("dead.")).count();
    prop_assert_eq!(dead, settled.termed.len());

    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for outbound in settled.outbox.iter().filter(|outbound| outbound.subject.starts_with("done.")) {
        let count = counts.entry(&outbound.subject).or_default();
        *count += 1;
        let said: serde_json::Value = serde_json::from_slice(&outbound.payload).expect("JSON");
        prop_assert_eq!(
            said["count"].as_u64(),
            Some(*count),
            "state lost or applied twice for {}",
            outbound.subject
        );
    }
    prop_assert_eq!(counts.values().sum::<u64>(), settled.acked.len() as u64);
    Ok(())
}

/// An attempt starts only when all earlier messages of its entity are finished, and one runs at a time.
fn check_order(scenario: &Scenario, diary: &[Entry]) -> Result<(), TestCaseError> {
    let entity =
        |entry: &Entry| &scenario.tasks[usize::try_from(entry.sequence).expect("few tasks") - 1].entity;
    for (index, entry) in diary.iter().enumerate() {
        for later in diary[index + 1..].iter().filter(|later| entity(later) == entity(entry)) {
            prop_assert!(later.sequence >= entry.sequence, "{:?} started after {:?}", later, entry);
            let ended = entry.ended.unwrap_or(entry.started);
            prop_assert!(later.started >= ended, "{:?} overlaps {:?}", later, entry);
        }
    }
    Ok(())
}

fn check_tries(scenario: &Scenario, diary: &[Entry], actor: &Actor) -> Result<(), TestCaseError> {
    for sequence in 1..=scenario.tasks.len() as u64 {
        let attempts: Vec<u32> =
            diary.iter().filter(|entry| entry.sequence == sequence).map(|entry| entry.attempt).collect();
        prop_assert!(
            attempts.iter().all(|attempt| (1..=actor.max_deliver).contains(attempt)),
            "{:?}",
            attempts
        );
        prop_assert!(attempts.len() <= actor.max_deliver as usize, "{} tried {:?}", sequence, attempts);
    }
    Ok(())
}
