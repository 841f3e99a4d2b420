//! Sees partitions in which messages wait that no lane works on, although nothing keeps it from that.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval_at};

use super::ledger::Ledger;
use crate::message::PartitionId;
use crate::message::partition::hash_key;
use crate::topology::Order;

/// How often we look.
const PERIOD: Duration = Duration::from_secs(5);

/// In how many looks in a row a queue must be idle to be stalled. Looks are counted, not time, so that a process that
/// was frozen finds itself with one idle look and not with a stall.
const LOOKS: u32 = 6;

/// What one lane works through: one message after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Queue {
    /// The messages of all entities whose keys have this hash: two entities may share it, and one that is stalled is
    /// not seen while the other one works.
    Entities(u32),
    /// This message alone.
    Alone(u64),
}

/// The queues that were idle at the last look.
#[derive(Debug)]
pub(crate) struct Stalls {
    /// How often in a row, by the queue's first message.
    idle: BTreeMap<u64, u32>,
    tick: Interval,
}

/// A partition that does not work, and a message that it does not work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stalled {
    pub(crate) partition: PartitionId,
    pub(crate) sequence: u64,
}

impl Queue {
    /// The queue that a message waits in.
    pub(crate) fn of(message: &tidegate::Message, order: Order) -> Self {
        match order {
            Order::Entity if !message.key.is_empty() => Self::Entities(hash_key(&message.key)),
            _ => Self::Alone(message.sequence),
        }
    }
}

impl Stalls {
    pub(crate) fn new() -> Self {
        let mut tick = interval_at(tokio::time::Instant::now() + PERIOD, PERIOD);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { idle: BTreeMap::new(), tick }
    }

    /// Waits until it is time to [look](Self::look).
    ///
    /// # Cancel safety
    /// A cancelled call changes nothing.
    pub(crate) async fn due(&mut self) {
        self.tick.tick().await;
    }

    /// The partitions that are stalled, each once; `is_free` says which have nothing to wait for.
    ///
    /// A message that a lane has taken up is never idle, however long it takes: its handler has a deadline, and what it
    /// waits for has an end or an owner. One that waits behind it is not idle either.
    pub(crate) fn look(&mut self, ledger: &Ledger, is_free: impl Fn(PartitionId) -> bool) -> Vec<Stalled> {
        let mut queues = HashMap::new();
        ledger.survey(|sequence, partition, queue, is_taken_up| {
            let first = queues.entry((partition, queue)).or_insert(Some(sequence));
            if is_taken_up {
                *first = None;
            }
        });
        let idle = queues.into_iter().filter_map(|((partition, _), first)| Some((first?, partition)));
        let idle: Vec<(u64, PartitionId)> = idle.filter(|(_, partition)| is_free(*partition)).collect();

        let known = std::mem::take(&mut self.idle);
        let mut stalled = BTreeMap::new();
        for (sequence, partition) in idle {
            let looks = known.get(&sequence).map_or(1, |looks| looks + 1);
            if looks < LOOKS {
                self.idle.insert(sequence, looks);
            } else {
                let first = stalled.entry(partition).or_insert(sequence);
                *first = sequence.min(*first);
            }
        }
        stalled.into_iter().map(|(partition, sequence)| Stalled { partition, sequence }).collect()
    }
}
