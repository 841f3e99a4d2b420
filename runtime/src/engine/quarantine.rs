//! Finds the message that kills the process: what was running when it died is tried again alone, before all else.
//!
//! A process that dies takes everything with it that it has in its hands. Were that all tried again together, the
//! neighbours of one deadly message would be repeated at every crash, and nobody could tell which of them it is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytestring::ByteString;
use tidegate::Message;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Duration, Instant};
use tracing::warn;

use super::crew::Crew;
use super::delivery::Home;
use super::effects::Interrupted;
use super::ledger::Ledger;
use super::trials::{self, Trial};
use crate::port::Arrival;

/// How long suspects are tried one by one. Those that are left then are tried like any other: many slow ones, or one that
/// waits for the broker, must not hold up the shard. The one that is being tried is waited for beyond that.
const LONGEST: Duration = Duration::from_secs(10);

/// How many records are read at a time.
const READS: usize = 64;

/// The one place of a process in which a suspect is tried: of all its shards one at a time, or they would be blamed for
/// each other.
#[derive(Debug, Clone)]
pub(crate) struct Cell(Arc<Semaphore>);

impl Default for Cell {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Cell {
    fn try_enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }

    async fn enter(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.0).acquire_owned().await.expect("a cell is never closed")
    }
}

/// An arrival with its key, and what is known of its tries.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) arrival: Arrival,
    pub(crate) trial: Option<Trial>,
    /// Whether nothing else is let in before it has been tried.
    pub(crate) is_alone: bool,
}

/// What has been claimed and is let in bit by bit.
#[derive(Debug)]
pub(crate) struct Quarantine {
    /// One after the other, each alone.
    alone: VecDeque<Known>,
    /// After that all at once, in stream order.
    others: Vec<Known>,
    /// The sequence that is tried.
    current: Option<u64>,
    cell: Cell,
    /// That the cell is ours, for what is tried or comes next.
    place: Option<OwnedSemaphorePermit>,
    until: Instant,
}

impl Quarantine {
    /// Takes in what was claimed, with its keys.
    pub(crate) async fn of(claimed: Vec<Arrival>, crew: &Crew) -> Result<Self, Interrupted> {
        let known = learn(claimed, crew).await?;
        let (alone, others) = separate(known);
        if !alone.is_empty() {
            warn!(
                actor = %crew.name,
                suspects = alone.len(),
                "the process died while these messages were tried, now each is tried alone"
            );
        }
        Ok(Self::new(alone, others, crew.cell.clone()))
    }

    fn new(alone: VecDeque<Known>, others: Vec<Known>, cell: Cell) -> Self {
        Self { alone, others, current: None, cell, place: None, until: Instant::now() + LONGEST }
    }

    /// What is in it.
    pub(crate) fn sequences(&self) -> impl Iterator<Item = u64> {
        self.alone.iter().chain(&self.others).map(|known| known.arrival.message.sequence)
    }

    /// What may be let in now; `None` when the quarantine is over and everything is in.
    pub(crate) fn release(&mut self, ledger: &Ledger) -> Option<Vec<Known>> {
        let has_time = Instant::now() < self.until;
        if has_time && let Some(sequence) = self.current {
            if ledger.is_untried(sequence) {
                return Some(Vec::new());
            }
            // Those of other shards have their turn.
            (self.current, self.place) = (None, None);
        }
        if has_time && !self.alone.is_empty() {
            self.place = self.place.take().or_else(|| self.cell.try_enter());
            let next = self.place.as_ref().and_then(|_| self.alone.pop_front());
            self.current = next.as_ref().map(|next| next.arrival.message.sequence);
            return Some(next.map(|next| Known { is_alone: true, ..next }).into_iter().collect());
        }
        let mut rest: Vec<Known> = self.alone.drain(..).chain(self.others.drain(..)).collect();
        rest.sort_by_key(|known| known.arrival.message.sequence);
        (self.current, self.place) = (None, None);
        (!rest.is_empty()).then_some(rest)
    }

    /// Waits until there may be something to release. Cancel safe.
    pub(crate) async fn changed(&mut self, home: &Home) {
        let must_enter = self.place.is_none() && !self.alone.is_empty();
        tokio::select! {
            () = home.ended.notified() => {}
            () = home.ledger.freed() => {}
            () = tokio::time::sleep_until(self.until) => {}
            place = self.cell.enter(), if must_enter => self.place = Some(place),
        }
    }
}

/// Reads the records of what was delivered before.
async fn learn(claimed: Vec<Arrival>, crew: &Crew) -> Result<Vec<Known>, Interrupted> {
    use futures_util::{StreamExt, TryStreamExt, stream};

    let reading = claimed.into_iter().map(|arrival| async {
        let trial = match arrival.delivered {
            0 | 1 => None,
            _ => Some(trials::load(&arrival.message, crew).await?),
        };
        Ok(Known { arrival, trial, is_alone: false })
    });
    stream::iter(reading).buffered(READS).try_collect().await
}

/// Takes out the suspects, the most suspicious first, each behind the earlier messages of its entity.
fn separate(known: Vec<Known>) -> (VecDeque<Known>, Vec<Known>) {
    let crashes = |known: &Known| known.trial.as_ref().filter(|trial| trial.is_suspect()).map(Trial::crashes);
    let mut suspects: Vec<(u32, u64, ByteString)> = known
        .iter()
        .filter_map(|known| {
            let Message { sequence, key, .. } = &known.arrival.message;
            Some((crashes(known)?, *sequence, key.clone()))
        })
        .collect();
    suspects.sort_by_key(|(crashes, sequence, _)| (std::cmp::Reverse(*crashes), *sequence));

    let mut others: BTreeMap<u64, Known> =
        known.into_iter().map(|known| (known.arrival.message.sequence, known)).collect();
    let mut alone = VecDeque::with_capacity(suspects.len());
    for (_, suspect, key) in suspects {
        let before = others.range(..=suspect).filter(|(sequence, known)| {
            **sequence == suspect || !key.is_empty() && known.arrival.message.key == key
        });
        let before: Vec<u64> = before.map(|(sequence, _)| *sequence).collect();
        alone.extend(before.iter().filter_map(|sequence| others.remove(sequence)));
    }
    (alone, others.into_values().collect())
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use bytes::Bytes;
    use tidegate::Headers;
    use tidegate::subject::TokenNames;

    use super::*;
    use crate::engine::lease::Lease;
    use crate::engine::ledger::{Admission, Arriving, Release};
    use crate::engine::stall::Queue;
    use crate::message::PartitionId;
    use crate::port::{Receipt, Room};

    fn known(sequence: u64, key: &str, crashes: u32) -> Known {
        let message = Message {
            subject: format!("tasks.{key}").into(),
            tokens: TokenNames::default(),
            headers: Headers::new(),
            payload: Bytes::new(),
            stream: "TASKS".into(),
            sequence,
            published: SystemTime::UNIX_EPOCH,
            key: key.into(),
        };
        let arrival = Arrival { message, delivered: 2, receipt: Receipt(Bytes::new()) };
        Known { arrival, trial: Some(Trial::after_crashes(crashes)), is_alone: false }
    }

    fn sequences<'a>(known: impl IntoIterator<Item = &'a Known>) -> Vec<u64> {
        known.into_iter().map(|known| known.arrival.message.sequence).collect()
    }

    #[test]
    fn the_most_suspicious_comes_first_and_none_before_earlier_ones_of_its_entity() {
        let claimed = vec![
            known(1, "a", 0),
            known(2, "b", 1),
            known(3, "c", 0),
            known(4, "a", 2),
            known(5, "a", 0),
            known(6, "b", 1),
        ];

        let (alone, others) = separate(claimed);

        assert_eq!(sequences(&alone), [1, 4, 2, 6]);
        assert_eq!(sequences(&others), [3, 5]);
    }

    fn admit(ledger: &Ledger, sequence: u64) -> Arc<Lease> {
        let (published, partition, queue) = (SystemTime::UNIX_EPOCH, PartitionId(0), Queue::Alone(sequence));
        let (receipt, at) = (Receipt(Bytes::new()), Instant::now());
        match ledger.admit(Arriving { sequence, published, receipt, partition, queue, bytes: 1, at }) {
            Admission::Admitted(lease) => lease,
            Admission::InFlight | Admission::Settled(_) => panic!("not admitted"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_shards_only_one_tries_a_suspect() {
        let (cell, ledger) = (Cell::default(), Ledger::new(Room { messages: 9, bytes: 99 }, Arc::default()));
        let with = |sequence| Quarantine::new([known(sequence, "a", 1)].into(), Vec::new(), cell.clone());
        let (mut one, mut other) = (with(1), with(2));
        let released =
            |quarantine: &mut Quarantine| quarantine.release(&ledger).map(|released| sequences(&released));

        assert_eq!(released(&mut one), Some(vec![1]));
        let lease = admit(&ledger, 1);
        assert_eq!(released(&mut other), Some(vec![]));
        assert_eq!(released(&mut one), Some(vec![]));
        ledger.release(1, &lease, Release::Settled);
        assert_eq!(released(&mut one), None);
        assert_eq!(released(&mut other), Some(vec![2]));
    }

    #[test]
    fn without_a_crash_nobody_is_suspicious() {
        let (alone, others) = separate(vec![known(2, "a", 0), known(1, "", 0)]);

        assert!(alone.is_empty());
        assert_eq!(sequences(&others), [1, 2]);
    }
}
