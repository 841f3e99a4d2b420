//! States that were saved are read again only when somebody else may have written them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::harness::{Bench, Surroundings, Task, actor, on_paused_clock};
use crate::memory::MemoryBroker;
use crate::port::{BoxFuture, Entry, Revision, Store, StoreError, Tenure};

/// A store that counts how often it is read.
struct Counting {
    broker: MemoryBroker,
    loads: AtomicUsize,
}

impl Counting {
    fn new(broker: &MemoryBroker) -> Arc<Self> {
        Arc::new(Self { broker: broker.clone(), loads: AtomicUsize::new(0) })
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::Relaxed)
    }
}

impl Store for Counting {
    fn load<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.broker.load(key)
    }

    fn save<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expected: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, StoreError>> {
        self.broker.save(key, value, expected)
    }
}

fn start(broker: &MemoryBroker, states: &Arc<Counting>, tenure: &Arc<Tenure>) -> Bench {
    let around = Surroundings {
        tenure: Arc::clone(tenure),
        states: Some(Arc::clone(states) as Arc<dyn Store>),
        ..Surroundings::default()
    };
    Bench::start_among(actor(), broker.clone(), around)
}

async fn handle(bench: &Bench, count: usize) {
    for _ in 0..count {
        Bench::publish(&bench.broker, &Task { entity: "ada".to_owned(), ..Task::default() });
    }
    sleep(Duration::from_secs(1)).await;
}

/// The state in the bucket, and its revision.
async fn state(broker: &MemoryBroker) -> (u64, Revision) {
    let entry = broker.load("ada").await.expect("the store answers").expect("it was saved");
    let envelope: Value = serde_json::from_slice(&entry.value).expect("JSON");
    (envelope["state"].as_u64().expect("a count"), entry.revision)
}

#[test]
fn a_state_that_we_saved_is_not_read_again() {
    on_paused_clock(async {
        let broker = Bench::broker_for(&actor());
        let states = Counting::new(&broker);
        let bench = start(&broker, &states, &Arc::default());

        handle(&bench, 5).await;

        assert_eq!((states.loads(), state(&broker).await.0), (1, 5));
    });
}

#[test]
fn what_somebody_else_wrote_is_not_overwritten() {
    on_paused_clock(async {
        let broker = Bench::broker_for(&actor());
        let states = Counting::new(&broker);
        let bench = start(&broker, &states, &Arc::default());
        handle(&bench, 1).await;
        let (_, revision) = state(&broker).await;
        let foreign = r#"{ "stream": "MEMORY", "sequence": 1, "published": 1000000000, "state": 40 }"#;
        broker.save("ada", Bytes::from(foreign), Some(revision)).await.expect("nobody else writes");

        handle(&bench, 2).await;

        assert_eq!((states.loads(), state(&broker).await.0), (2, 42));
    });
}

#[test]
fn after_another_grant_all_is_read_again() {
    on_paused_clock(async {
        let broker = Bench::broker_for(&actor());
        let (states, tenure) = (Counting::new(&broker), Arc::new(Tenure::new(Duration::from_hours(1))));
        tenure.grant(Instant::now());
        let bench = start(&broker, &states, &tenure);
        handle(&bench, 2).await;
        let before = states.loads();

        tenure.grant(Instant::now());
        handle(&bench, 2).await;

        assert_eq!((before, states.loads(), state(&broker).await.0), (1, 2, 4));
    });
}
