//! The right to a shard lapses while the broker is waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use super::harness::{Bench, Surroundings, Task, actor, on_paused_clock};
use crate::memory::{MemoryBroker, MemorySource};
use crate::port::{
    Arrivals, BoxFuture, Entry, Pending, Revision, Room, Source, SourceError, Store, StoreError, Tenure,
};

/// A store that takes so long over its first entry that the right to the shard lapses meanwhile.
struct Slow {
    broker: MemoryBroker,
    tenure: Arc<Tenure>,
    is_first: AtomicBool,
    /// The first answer, when there is to be none.
    error: Option<&'static str>,
}

impl Slow {
    fn new(broker: &MemoryBroker, tenure: &Arc<Tenure>, error: Option<&'static str>) -> Arc<Self> {
        let (broker, tenure) = (broker.clone(), Arc::clone(tenure));
        Arc::new(Self { broker, tenure, is_first: AtomicBool::new(true), error })
    }
}

impl Store for Slow {
    fn load<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        if self.is_first.swap(false, Ordering::Relaxed) {
            self.tenure.end();
            if let Some(error) = self.error {
                return Box::pin(std::future::ready(Err(StoreError::Unavailable(error.to_owned()))));
            }
        }
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

/// A source whose right has to be acquired.
struct Granting(MemorySource, Arc<Tenure>);

impl Source for Granting {
    fn acquire(&mut self) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        self.1.grant(Instant::now());
        self.0.acquire()
    }

    fn evict(&mut self) -> BoxFuture<'_, Result<bool, SourceError>> {
        self.0.evict()
    }

    fn release(&mut self) -> BoxFuture<'_, ()> {
        self.0.release()
    }

    fn next(&mut self, room: Room) -> BoxFuture<'_, Result<Arrivals, SourceError>> {
        self.0.next(room)
    }

    fn pending(&mut self) -> BoxFuture<'_, Result<Pending, SourceError>> {
        self.0.pending()
    }

    fn claim<'a>(&'a mut self, sequences: &'a [u64]) -> BoxFuture<'a, Result<(), SourceError>> {
        self.0.claim(sequences)
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}

fn tenure() -> Arc<Tenure> {
    Arc::new(Tenure::new(Duration::from_hours(1)))
}

#[test]
fn a_handler_does_not_begin_when_the_right_lapsed_while_the_state_was_read() {
    on_paused_clock(async {
        let (broker, tenure) = (Bench::broker_for(&actor()), tenure());
        tenure.grant(Instant::now());
        Bench::publish(&broker, &Task { entity: "a".to_owned(), ..Task::default() });

        let around = Surroundings {
            tenure: Arc::clone(&tenure),
            states: Some(Slow::new(&broker, &tenure, None)),
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

#[test]
fn a_take_over_whose_right_lapsed_while_it_read_what_was_tried_begins_anew() {
    on_paused_clock(async {
        let (broker, tenure) = (Bench::broker_for(&actor()), tenure());
        Bench::publish(&broker, &Task { entity: "a".to_owned(), ..Task::default() });
        let room = Room { messages: 1, bytes: usize::MAX };
        MemorySource::new(&broker).next(room).await.expect("it is there");

        let around = Surroundings {
            tenure: Arc::clone(&tenure),
            trials: Some(Slow::new(&broker, &tenure, Some("not now"))),
            source: Some(Box::new(Granting(MemorySource::new(&broker), Arc::clone(&tenure)))),
            ..Surroundings::default()
        };
        let bench = Bench::start_among(actor(), broker, around);
        bench.finished().await;

        assert_eq!(bench.diary.entries().len(), 1);
    });
}
