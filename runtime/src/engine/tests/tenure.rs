//! An attempt that had to wait for the broker begins only if the shard is still ours.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::harness::{Bench, Surroundings, Task, actor, on_paused_clock};
use crate::memory::MemoryBroker;
use crate::port::{BoxFuture, Entry, Revision, Store, StoreError, Tenure};

/// States whose reading takes so long that the right to the shard lapses meanwhile.
struct Slow {
    broker: MemoryBroker,
    tenure: Arc<Tenure>,
}

impl Store for Slow {
    fn load<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        self.tenure.end();
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

#[test]
fn a_handler_does_not_begin_when_the_right_lapsed_while_the_state_was_read() {
    on_paused_clock(async {
        let broker = Bench::broker_for(&actor());
        let tenure = Arc::new(Tenure::new(Duration::from_hours(1)));
        tenure.grant(Instant::now());
        let store = Slow { broker: broker.clone(), tenure: Arc::clone(&tenure) };
        Bench::publish(&broker, &Task { entity: "a".to_owned(), ..Task::default() });

        let around = Surroundings {
            tenure: Arc::clone(&tenure),
            states: Some(Arc::new(store)),
            ..Surroundings::default()
        };
        let bench = Bench::start_among(actor(), broker, around);
        sleep(Duration::from_secs(1)).await;
        let begun_without = bench.diary.entries().len();
        tenure.grant(Instant::now());
        bench.finished().await;

        assert_eq!((begun_without, bench.diary.entries().len()), (0, 1));
    });
}
