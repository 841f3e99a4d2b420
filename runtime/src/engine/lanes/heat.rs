//! The entities that have most attempts, and those whose attempts take most time, in the last minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};

use super::sketch::{Counted, Sketch};
use crate::message::PartitionId;
use crate::message::partition::hash_key;

/// How long is counted before what was counted before that is forgotten: what is told is of one to two of these.
const PERIOD: Duration = Duration::from_secs(30);

/// How many entities are told of.
const TOLD: usize = 10;

/// An entity with much to do, in the last 30 to 60 seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HotEntity {
    /// Its key.
    pub key: String,
    /// Which of the actor's partitions it is in.
    pub partition: u32,
    /// How many attempts there were, at most; 0 when others had more.
    pub attempts: u64,
    /// How long they took together, at most; zero when those of others took longer.
    pub time: Duration,
}

/// Counts the attempts of one partition's entities.
#[derive(Debug, Default)]
pub(crate) struct Heat(Mutex<Counts>);

/// Those of all partitions of one actor.
#[derive(Debug, Clone)]
pub(crate) struct Thermometers(Arc<[Heat]>);

#[derive(Debug, Default)]
struct Counts {
    current: Weights,
    before: Weights,
}

#[derive(Debug, Default)]
struct Weights {
    attempts: Sketch,
    /// In microseconds.
    time: Sketch,
}

impl Heat {
    /// An attempt for this entity took so long.
    pub(crate) fn note(&self, key: &str, time: Duration) {
        if key.is_empty() {
            return;
        }
        let (hash, micros) = (hash_key(key), u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        let Weights { attempts, time } = &mut self.lock().current;
        attempts.add(hash, key, 1);
        time.add(hash, key, micros);
    }

    fn turn(&self) {
        let Counts { current, before } = &mut *self.lock();
        std::mem::swap(current, before);
        current.attempts.clear();
        current.time.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Thermometers {
    /// One for each partition.
    pub(crate) fn new(partitions: u32) -> Self {
        Self((0..partitions).map(|_| Heat::default()).collect())
    }

    /// That of one partition.
    pub(crate) fn of(&self, partition: PartitionId) -> &Heat {
        &self.0[partition.0 as usize]
    }

    /// The hottest entities: by attempts, then those by time that are not among them.
    pub(crate) fn hottest(&self) -> Vec<HotEntity> {
        let mut entities = HashMap::<(u32, String), HotEntity>::new();
        for (partition, heat) in (0..).zip(self.0.iter()) {
            let counts = heat.lock();
            for weights in [&counts.current, &counts.before] {
                for Counted { key, weight, .. } in weights.attempts.counted() {
                    entity(&mut entities, partition, key).attempts += weight;
                }
                for Counted { key, weight, .. } in weights.time.counted() {
                    entity(&mut entities, partition, key).time += Duration::from_micros(weight);
                }
            }
        }
        let mut by_attempts: Vec<HotEntity> = entities.into_values().collect();
        by_attempts.sort_by(|one, other| (other.attempts, &one.key).cmp(&(one.attempts, &other.key)));
        let mut by_time = by_attempts.split_off(TOLD.min(by_attempts.len()));
        by_time.sort_by(|one, other| (other.time, &one.key).cmp(&(one.time, &other.key)));
        let longest = by_attempts.iter().map(|entity| entity.time).max().unwrap_or_default();
        by_time.truncate(TOLD);
        // A few that take long are as hot as many that do not.
        by_time.retain(|entity| entity.time * 10 > longest);
        by_attempts.extend(by_time);
        by_attempts
    }

    /// Forgets what is long ago, again and again, without an end.
    pub(crate) async fn keep(self) {
        let mut turns = interval(PERIOD);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        turns.tick().await;
        loop {
            turns.tick().await;
            self.0.iter().for_each(Heat::turn);
        }
    }
}

fn entity<'e>(
    entities: &'e mut HashMap<(u32, String), HotEntity>,
    partition: u32,
    key: &str,
) -> &'e mut HotEntity {
    entities.entry((partition, key.to_owned())).or_insert_with(|| HotEntity {
        key: key.to_owned(),
        partition,
        attempts: 0,
        time: Duration::ZERO,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    fn keys(hottest: &[HotEntity]) -> Vec<&str> {
        hottest.iter().map(|entity| &*entity.key).collect()
    }

    #[test]
    fn many_attempts_and_long_ones_are_both_hot() {
        let heat = Thermometers::new(2);
        for (key, count) in [("ada", 500), ("bob", 300)] {
            (0..count).for_each(|_| heat.of(PartitionId(0)).note(key, MILLI));
        }
        for other in 0..9 {
            (0..20).for_each(|_| heat.of(PartitionId(0)).note(&format!("o{other}"), MILLI));
        }
        heat.of(PartitionId(1)).note("slow", MILLI * 10_000);
        heat.of(PartitionId(1)).note("", MILLI);

        let hottest = heat.hottest();

        assert_eq!(keys(&hottest)[..2], ["ada", "bob"]);
        assert_eq!((hottest[0].attempts, hottest[0].time), (500, MILLI * 500));
        assert!(keys(&hottest).contains(&"slow"), "{hottest:?}");
        assert!(!keys(&hottest).contains(&""));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_hot_a_minute_ago_is_so_no_more() {
        let heat = Thermometers::new(1);
        let _keeping = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(heat.clone().keep()));
        heat.of(PartitionId(0)).note("ada", MILLI);

        tokio::time::sleep(PERIOD * 3 / 2).await;
        let soon = heat.hottest();
        tokio::time::sleep(PERIOD).await;
        let later = heat.hottest();

        assert_eq!((keys(&soon), later), (vec!["ada"], Vec::new()));
    }
}
