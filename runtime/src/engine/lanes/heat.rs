//! The entities that have most attempts, and those whose attempts take most time, in the last minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::RngExt;
use rand::rngs::SmallRng;
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};

use super::sketch::{Counted, Sketch};
use crate::message::PartitionId;
use crate::message::partition::hash_key;

/// How long is counted before what was counted before that is forgotten: what is told is of one to two of these.
const PERIOD: Duration = Duration::from_secs(30);

/// How many entities are told of.
const TOLD: usize = 10;

/// What part of all makes an entity stand out, in thousandths: more than one in [`PLACES`](super::sketch::PLACES), which
/// a sketch may count too much.
const OUTSTANDING: u128 = 100;

/// Attempts shorter than this are sampled when there are many.
const SHORT: Duration = Duration::from_millis(1);

/// So many short attempts of a partition are counted one by one in each period. Of those that follow, one of
/// [`STRIDE`] is, in the stead of that many.
const ONE_BY_ONE: u64 = 4096;
const STRIDE: u32 = 8;

/// Below so many attempts, and so much time, nobody stands out.
const LEAST: (u64, Duration) = (10, Duration::from_secs(3));

/// An entity with much to do, in the last 30 to 60 seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HotEntity {
    /// Its key.
    pub key: String,
    /// Which of the actor's partitions it is in.
    pub partition: u32,
    /// How many attempts there were, at most and about; 0 when others had more.
    pub attempts: u64,
    /// How long they took together, at most and about; zero when those of others took longer.
    pub time: Duration,
}

/// Counts the attempts of one partition's entities.
#[derive(Debug, Default)]
pub(crate) struct Heat(Mutex<Counts>);

/// Those of all partitions of one actor.
#[derive(Debug, Clone)]
pub(crate) struct Thermometers(Arc<[Heat]>);

#[derive(Debug)]
struct Counts {
    current: Weights,
    before: Weights,
    chance: SmallRng,
}

impl Default for Counts {
    fn default() -> Self {
        Self { current: Weights::default(), before: Weights::default(), chance: rand::make_rng() }
    }
}

#[derive(Debug, Default)]
struct Weights {
    short: u64,
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
        let counts = &mut *self.lock();
        let Some(count) = counts.stands_for(time) else { return };
        let (hash, micros) = (hash_key(key), u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        let Weights { attempts, time, .. } = &mut counts.current;
        attempts.add(hash, key, count.into());
        time.add(hash, key, micros.saturating_mul(count.into()));
    }

    fn turn(&self) {
        let Counts { current, before, .. } = &mut *self.lock();
        std::mem::swap(current, before);
        current.short = 0;
        current.attempts.clear();
        current.time.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// How many attempts the one that took so long is counted for; `None` when another one is in its stead. Looking for
    /// a key costs more than all else that is counted of a short attempt.
    fn stands_for(&mut self, time: Duration) -> Option<u32> {
        if time >= SHORT {
            return Some(1);
        }
        self.current.short += 1;
        // Not every n-th: entities often take turns.
        match self.current.short {
            ..=ONE_BY_ONE => Some(1),
            _ => self.chance.random_ratio(1, STRIDE).then_some(STRIDE),
        }
    }

    /// The attempts of each entity and how long they took together.
    fn by_key(&self) -> HashMap<&str, (u64, Duration)> {
        let mut by_key = HashMap::<&str, (u64, Duration)>::new();
        for weights in [&self.current, &self.before] {
            for Counted { key, weight, .. } in weights.attempts.counted() {
                by_key.entry(key).or_default().0 += weight;
            }
            for Counted { key, weight, .. } in weights.time.counted() {
                by_key.entry(key).or_default().1 += Duration::from_micros(weight);
            }
        }
        by_key
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
        let mut by_attempts = Vec::new();
        for (partition, heat) in (0..).zip(self.0.iter()) {
            let counts = heat.lock();
            let of_partition = counts.by_key().into_iter();
            by_attempts.extend(of_partition.map(|(key, (attempts, time))| HotEntity {
                key: key.to_owned(),
                partition,
                attempts,
                time,
            }));
        }
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

    /// The entities that have a tenth or more of all attempts, or of all their time, the hottest first.
    pub(crate) fn standing_out(&self) -> Vec<HotEntity> {
        let (mut all_attempts, mut all_time, mut busy) = (0, Duration::ZERO, Vec::new());
        for (partition, heat) in (0..).zip(self.0.iter()) {
            let counts = heat.lock();
            for (key, (attempts, time)) in counts.by_key() {
                all_attempts += attempts;
                all_time += time;
                if attempts >= LEAST.0 || time >= LEAST.1 {
                    busy.push(HotEntity { key: key.to_owned(), partition, attempts, time });
                }
            }
        }
        let share = |entity: &HotEntity| {
            let of_attempts =
                if entity.attempts < LEAST.0 { 0 } else { entity.attempts * 1000 / all_attempts };
            let of_time =
                if entity.time < LEAST.1 { 0 } else { entity.time.as_millis() * 1000 / all_time.as_millis() };
            u128::from(of_attempts).max(of_time)
        };
        busy.retain(|entity| share(entity) >= OUTSTANDING);
        busy.sort_by_key(|entity| std::cmp::Reverse(share(entity)));
        busy
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

    #[test]
    fn who_does_what_all_others_do_does_not_stand_out() {
        let heat = Thermometers::new(1);
        (0..15).for_each(|other| heat.of(PartitionId(0)).note(&format!("o{other}"), MILLI));
        let few = heat.standing_out();
        for other in 0..15 {
            (0..50).for_each(|_| heat.of(PartitionId(0)).note(&format!("o{other}"), MILLI));
        }
        let alike = heat.standing_out();
        (0..200).for_each(|_| heat.of(PartitionId(0)).note("ada", MILLI));
        heat.of(PartitionId(0)).note("o3", MILLI * 5000);

        let hot = heat.standing_out();

        assert_eq!((few, alike), (Vec::new(), Vec::new()));
        assert_eq!(keys(&hot), ["o3", "ada"]);
    }

    #[test]
    fn of_very_many_short_attempts_some_stand_for_all() {
        let heat = Thermometers::new(1);
        let note = |key: &str, time| heat.of(PartitionId(0)).note(key, time);
        let rounds = ONE_BY_ONE * 10;

        // In turns, as many as a stride has.
        for _ in 0..rounds {
            for other in 0..STRIDE - 1 {
                note(&format!("o{other}"), MILLI / 1000);
            }
            note("ada", MILLI / 10);
        }
        note("slow", MILLI * 60_000);

        let hottest = heat.hottest();
        let of = |key: &str| hottest.iter().find(|entity| entity.key == key).expect("it is hot");
        assert!((rounds * 9 / 10..rounds * 11 / 10).contains(&of("ada").attempts), "{hottest:?}");
        assert!(of("ada").time.abs_diff(MILLI / 10 * u32::try_from(rounds).expect("few")) < MILLI * 500);
        // Not even one that is long is missed.
        assert_eq!((of("slow").attempts, of("slow").time), (1, MILLI * 60_000));
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
