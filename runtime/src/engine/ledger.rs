//! What a shard has in its hands: credits, bytes, leases, and who was settled a moment ago.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio::time::{Duration, Instant};

use super::lease::Lease;
use super::stall::Queue;
use super::status::Queues;
use crate::message::PartitionId;
use crate::port::{Receipt, Room};

/// How many settled sequences are remembered, so that a redelivery whose ack got lost is acked again and not handled
/// again. A power of two; 8 bytes each.
const REMEMBERED: usize = 8192;

/// The messages of one shard that are in flight: each takes a credit of `window` and its size of `bytes`.
#[derive(Debug)]
pub(crate) struct Ledger {
    entries: Mutex<Entries>,
    freed: Notify,
    limit: Room,
    /// The lowest sequence that is not settled; shared with the source, which starts a lost consumer anew there.
    floor: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Entries {
    in_flight: BTreeMap<u64, Arc<Lease>>,
    /// Delivered, neither settled nor in flight: handed back, or about to be let in.
    owed: BTreeSet<u64>,
    bytes: usize,
    highest: u64,
    /// The latest time at which one of them was published.
    latest: SystemTime,
    settled: Box<[u64]>,
}

/// What a partition has in hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) in_flight: u64,
    /// Attempts that run.
    pub(crate) running: u64,
    /// Not taken up by a lane.
    pub(crate) waiting: u64,
}

/// A message that asks for admission.
#[derive(Debug)]
pub(crate) struct Arriving {
    pub(crate) sequence: u64,
    pub(crate) published: SystemTime,
    pub(crate) receipt: Receipt,
    pub(crate) partition: PartitionId,
    pub(crate) queue: Queue,
    pub(crate) bytes: usize,
    /// When it arrived.
    pub(crate) at: Instant,
}

/// What the ledger says to an arrival.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It is ours from here on.
    Admitted(Arc<Lease>),
    /// It is in our hands already, under way.
    InFlight,
    /// It is settled; the broker does not know yet.
    Settled(Receipt),
}

/// What the ledger knows of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing.
    Unknown,
    /// It is in our hands.
    InFlight,
    /// We settled it not long ago.
    Settled,
}

impl Ledger {
    pub(crate) fn new(limit: Room, floor: Arc<AtomicU64>) -> Self {
        let entries = Entries {
            in_flight: BTreeMap::new(),
            owed: BTreeSet::new(),
            bytes: 0,
            highest: 0,
            latest: SystemTime::UNIX_EPOCH,
            settled: vec![0; REMEMBERED].into_boxed_slice(),
        };
        Self { entries: Mutex::new(entries), freed: Notify::new(), limit, floor }
    }

    /// Takes an arrival in, unless it is known.
    pub(crate) fn admit(&self, arriving: Arriving) -> Admission {
        let Arriving { sequence, published, bytes, .. } = arriving;
        let mut entries = self.lock();
        match entries.look_up(sequence, published) {
            Standing::Unknown => {}
            Standing::InFlight => return Admission::InFlight,
            Standing::Settled => return Admission::Settled(arriving.receipt),
        }
        let lease = Arc::new(Lease::new(arriving));
        entries.in_flight.insert(sequence, Arc::clone(&lease));
        entries.owed.remove(&sequence);
        entries.bytes += bytes;
        if sequence > entries.highest {
            // The clocks of a cluster's servers differ, so a later message may say that it is older.
            (entries.highest, entries.latest) = (sequence, published.max(entries.latest));
        }
        self.floor.store(entries.floor(), Ordering::Relaxed);
        Admission::Admitted(lease)
    }

    /// These were delivered to us and are about to be let in: the floor stays below them.
    pub(crate) fn expect(&self, sequences: impl IntoIterator<Item = u64>) {
        self.lock().owed.extend(sequences);
    }

    /// Gives a credit back. `settled` sequences are remembered, others may come again.
    pub(crate) fn release(&self, sequence: u64, lease: &Arc<Lease>, release: Release) {
        let mut entries = self.lock();
        // Another lease is that of another message: the stream was created again.
        match entries.in_flight.remove(&sequence) {
            Some(ours) if Arc::ptr_eq(&ours, lease) => entries.bytes -= lease.bytes,
            Some(other) => {
                entries.in_flight.insert(sequence, other);
                return;
            }
            None => return,
        }
        match release {
            Release::Settled => entries.settled[slot_of(sequence)] = sequence,
            Release::HandedBack => {
                entries.owed.insert(sequence);
            }
        }
        self.floor.store(entries.floor(), Ordering::Relaxed);
        drop(entries);
        self.freed.notify_one();
    }

    /// What the shard can take beyond what it has.
    pub(crate) fn room(&self) -> Room {
        let entries = self.lock();
        Room {
            messages: self.limit.messages.saturating_sub(entries.in_flight.len()),
            bytes: self.limit.bytes.saturating_sub(entries.bytes),
        }
    }

    /// Whether so little room is left that more is worth waiting for.
    pub(crate) fn is_tight(&self, room: Room) -> bool {
        room.messages < self.limit.messages / 2 || room.bytes < self.limit.bytes / 2
    }

    /// Waits until a credit comes back; one that came back since the last call counts.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().in_flight.len()
    }

    /// How many bytes are in flight, and how many may be.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.lock().bytes as u64, self.limit.bytes as u64)
    }

    /// Whether we settled a message not long ago.
    pub(crate) fn is_settled(&self, sequence: u64) -> bool {
        self.lock().is_settled(sequence)
    }

    /// Whether a message is in our hands and no attempt of it has ended yet.
    pub(crate) fn is_untried(&self, sequence: u64) -> bool {
        self.lock().in_flight.get(&sequence).is_some_and(|lease| !lease.is_tried())
    }

    /// How many attempts run.
    pub(crate) fn running(&self) -> usize {
        self.lock().in_flight.values().filter(|lease| lease.is_running()).count()
    }

    /// How many of a partition's messages are in flight.
    pub(crate) fn held_by(&self, partition: PartitionId) -> usize {
        self.lock().in_flight.values().filter(|lease| lease.partition == partition).count()
    }

    /// What each partition has in hand.
    pub(crate) fn held_by_partition(&self) -> BTreeMap<PartitionId, Held> {
        let mut partitions = BTreeMap::<PartitionId, Held>::new();
        for lease in self.lock().in_flight.values() {
            let held = partitions.entry(lease.partition).or_default();
            held.in_flight += 1;
            held.running += u64::from(lease.is_running());
            held.waiting += u64::from(!lease.is_taken_up());
        }
        partitions
    }

    /// The queues that the messages in flight belong to.
    pub(crate) fn queues(&self) -> Queues {
        let entries = self.lock();
        let (mut queues, mut resting) = (HashSet::new(), HashSet::new());
        for lease in entries.in_flight.values() {
            let place = (lease.partition, lease.queue);
            queues.insert(place);
            if lease.is_resting() {
                resting.insert(place);
            }
        }
        Queues { all: queues.len() as u64, resting: resting.len() as u64 }
    }

    /// Shows all that is in flight, in stream order: sequence, partition, queue, and whether a lane works on it.
    pub(crate) fn survey(&self, mut see: impl FnMut(u64, PartitionId, Queue, bool)) {
        for (sequence, lease) in &self.lock().in_flight {
            see(*sequence, lease.partition, lease.queue, lease.is_taken_up());
        }
    }

    /// What we know of a message that has arrived, without taking it in.
    pub(crate) fn look_up(&self, sequence: u64, published: SystemTime) -> Standing {
        self.lock().look_up(sequence, published)
    }

    /// The sequences in `(floor, last]` that are not in our hands, and how many are.
    pub(crate) fn missing(&self, floor: u64, last: u64) -> (Vec<u64>, u64) {
        if last <= floor {
            return (Vec::new(), 0);
        }
        let entries = self.lock();
        let missing: Vec<u64> =
            (floor + 1..=last).filter(|sequence| !entries.in_flight.contains_key(sequence)).collect();
        let held = entries.in_flight.range(floor + 1..=last).count() as u64;
        (missing, held)
    }

    /// The receipts whose lease is to be renewed: not for `age`, and not those of attempts that must be hanging. The
    /// latter are left to the server, which counts how often they come back.
    pub(crate) fn due(&self, age: Duration) -> Vec<Receipt> {
        let now = Instant::now();
        let entries = self.lock();
        let due = entries.in_flight.values().filter(|lease| !lease.is_overdue(now) && lease.renew(now, age));
        due.map(|lease| lease.receipt.clone()).collect()
    }

    /// Somebody else has ended this message: what a running attempt still brings is void.
    pub(crate) fn revoke(&self, sequence: u64) {
        if let Some(lease) = self.lock().in_flight.get(&sequence) {
            lease.revoke();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn look_up(&mut self, sequence: u64, published: SystemTime) -> Standing {
        if sequence > self.highest {
            return Standing::Unknown;
        }
        if published > self.latest {
            self.forget_old_stream();
        }
        if self.in_flight.contains_key(&sequence) {
            return Standing::InFlight;
        }
        if self.is_settled(sequence) { Standing::Settled } else { Standing::Unknown }
    }

    fn is_settled(&self, sequence: u64) -> bool {
        self.settled[slot_of(sequence)] == sequence
    }

    /// A sequence that we are past was published after what we saw last: the stream was deleted and created again, and
    /// counts from one. What is under way belongs to the old one.
    fn forget_old_stream(&mut self) {
        for lease in self.in_flight.values() {
            lease.revoke();
        }
        self.in_flight.clear();
        self.owed.clear();
        self.settled.fill(0);
        (self.bytes, self.highest, self.latest) = (0, 0, SystemTime::UNIX_EPOCH);
    }

    fn floor(&self) -> u64 {
        let in_flight = self.in_flight.first_key_value().map(|(lowest, _)| *lowest);
        let lowest = in_flight.into_iter().chain(self.owed.first().copied()).min();
        lowest.unwrap_or(self.highest + 1)
    }
}

/// Why a message leaves the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// It was acked or termed.
    Settled,
    /// It was handed back and will come again.
    HandedBack,
}

fn slot_of(sequence: u64) -> usize {
    usize::try_from(sequence % REMEMBERED as u64).expect("less than REMEMBERED")
}

#[cfg(test)]
mod tests;
