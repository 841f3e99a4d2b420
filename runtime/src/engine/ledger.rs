//! What a shard has in its hands: credits, bytes, leases, and who was settled a moment ago.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio::time::{Duration, Instant};

use super::lease::Lease;
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
    in_flight: BTreeMap<u64, Entry>,
    bytes: usize,
    highest: u64,
    /// When the highest was published.
    latest: SystemTime,
    settled: Box<[u64]>,
}

/// A message that asks for admission.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arriving {
    pub(crate) sequence: u64,
    pub(crate) published: SystemTime,
    pub(crate) partition: PartitionId,
    pub(crate) bytes: usize,
}

#[derive(Debug)]
struct Entry {
    receipt: Receipt,
    bytes: usize,
    partition: PartitionId,
    renewed: Instant,
    lease: Arc<Lease>,
}

/// What the ledger says to an arrival.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It is ours from here on.
    Admitted(Arc<Lease>),
    /// It is in our hands already, under way.
    InFlight,
    /// It is settled; the broker does not know yet.
    Settled,
}

impl Ledger {
    pub(crate) fn new(limit: Room, floor: Arc<AtomicU64>) -> Self {
        let entries = Entries {
            in_flight: BTreeMap::new(),
            bytes: 0,
            highest: 0,
            latest: SystemTime::UNIX_EPOCH,
            settled: vec![0; REMEMBERED].into_boxed_slice(),
        };
        Self { entries: Mutex::new(entries), freed: Notify::new(), limit, floor }
    }

    /// Takes an arrival in, unless it is known.
    pub(crate) fn admit(&self, arriving: Arriving, receipt: &Receipt) -> Admission {
        let Arriving { sequence, published, partition, bytes } = arriving;
        let mut entries = self.lock();
        if sequence <= entries.highest && published > entries.latest {
            entries.forget_old_stream();
        }
        if let Some(entry) = entries.in_flight.get_mut(&sequence) {
            entry.receipt = receipt.clone();
            return Admission::InFlight;
        }
        if entries.is_settled(sequence) {
            return Admission::Settled;
        }
        let lease = Arc::new(Lease::new());
        let (renewed, receipt) = (lease.born, receipt.clone());
        let entry = Entry { receipt, bytes, partition, renewed, lease: Arc::clone(&lease) };
        entries.in_flight.insert(sequence, entry);
        entries.bytes += bytes;
        if sequence > entries.highest {
            (entries.highest, entries.latest) = (sequence, published);
        }
        self.floor.store(entries.floor(), Ordering::Relaxed);
        Admission::Admitted(lease)
    }

    /// Gives a credit back. `settled` sequences are remembered, others may come again.
    pub(crate) fn release(&self, sequence: u64, lease: &Arc<Lease>, release: Release) {
        let mut entries = self.lock();
        // An entry with another lease is another message: the stream was created again.
        match entries.in_flight.remove(&sequence) {
            Some(entry) if Arc::ptr_eq(&entry.lease, lease) => entries.bytes -= entry.bytes,
            Some(other) => {
                entries.in_flight.insert(sequence, other);
                return;
            }
            None => return,
        }
        if release == Release::Settled {
            entries.settled[slot_of(sequence)] = sequence;
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

    /// How many of a partition's messages are in flight.
    pub(crate) fn held_by(&self, partition: PartitionId) -> usize {
        self.lock().in_flight.values().filter(|entry| entry.partition == partition).count()
    }

    /// Whether a message is in our hands.
    pub(crate) fn holds(&self, sequence: u64) -> bool {
        self.lock().in_flight.contains_key(&sequence)
    }

    /// Whether we settled it not long ago.
    pub(crate) fn is_settled(&self, sequence: u64) -> bool {
        self.lock().is_settled(sequence)
    }

    /// A message in our hands was delivered again.
    pub(crate) fn renew(&self, sequence: u64, receipt: &Receipt) {
        if let Some(entry) = self.lock().in_flight.get_mut(&sequence) {
            entry.receipt = receipt.clone();
        }
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
        let mut entries = self.lock();
        let due = entries
            .in_flight
            .values_mut()
            .filter(|entry| now - entry.renewed >= age && !entry.lease.is_overdue(now));
        due.map(|entry| {
            entry.renewed = now;
            entry.receipt.clone()
        })
        .collect()
    }

    /// Somebody else has ended this message: what a running attempt still brings is void.
    pub(crate) fn revoke(&self, sequence: u64) {
        if let Some(entry) = self.lock().in_flight.get(&sequence) {
            entry.lease.revoke();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn is_settled(&self, sequence: u64) -> bool {
        self.settled[slot_of(sequence)] == sequence
    }

    /// A sequence that we are past was published after what we saw last: the stream was deleted and created again, and
    /// counts from one. What is under way belongs to the old one.
    fn forget_old_stream(&mut self) {
        for entry in self.in_flight.values() {
            entry.lease.revoke();
        }
        self.in_flight.clear();
        self.settled.fill(0);
        (self.bytes, self.highest, self.latest) = (0, 0, SystemTime::UNIX_EPOCH);
    }

    fn floor(&self) -> u64 {
        self.in_flight.first_key_value().map_or(self.highest + 1, |(lowest, _)| *lowest)
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
mod tests {
    use bytes::Bytes;

    use super::*;

    fn ledger() -> Ledger {
        Ledger::new(Room { messages: 4, bytes: 100 }, Arc::default())
    }

    fn admit(ledger: &Ledger, sequence: u64) -> Admission {
        admit_published(ledger, sequence, sequence)
    }

    fn admit_published(ledger: &Ledger, sequence: u64, seconds: u64) -> Admission {
        let published = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let arriving = Arriving { sequence, published, partition: PartitionId(0), bytes: 10 };
        ledger.admit(arriving, &Receipt(Bytes::new()))
    }

    fn admitted(admission: Admission) -> Arc<Lease> {
        match admission {
            Admission::Admitted(lease) => lease,
            Admission::InFlight | Admission::Settled => panic!("not admitted"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn counts_messages_and_bytes() {
        let ledger = ledger();

        admit(&ledger, 1);
        let second = admitted(admit(&ledger, 2));
        ledger.release(2, &second, Release::Settled);

        assert_eq!(ledger.room(), Room { messages: 3, bytes: 90 });
    }

    #[tokio::test(start_paused = true)]
    async fn knows_what_is_under_way_and_what_is_settled() {
        let ledger = ledger();

        let first = admitted(admit(&ledger, 1));
        assert!(matches!(admit(&ledger, 1), Admission::InFlight));
        ledger.release(1, &first, Release::Settled);
        assert!(matches!(admit(&ledger, 1), Admission::Settled));

        let second = admitted(admit(&ledger, 2));
        ledger.release(2, &second, Release::HandedBack);
        assert!(matches!(admit(&ledger, 2), Admission::Admitted(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn floor_follows_the_lowest_in_flight() {
        let floor = Arc::new(AtomicU64::new(0));
        let ledger = Ledger::new(Room { messages: 4, bytes: 100 }, Arc::clone(&floor));

        let [five, six, seven] = [5, 6, 7].map(|sequence| admitted(admit(&ledger, sequence)));
        ledger.release(6, &six, Release::Settled);
        assert_eq!(floor.load(Ordering::Relaxed), 5);
        ledger.release(5, &five, Release::Settled);
        assert_eq!(floor.load(Ordering::Relaxed), 7);
        ledger.release(7, &seven, Release::Settled);
        assert_eq!(floor.load(Ordering::Relaxed), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn renews_leases_but_not_those_of_hanging_attempts() {
        let ledger = ledger();
        let hanging = admitted(admit(&ledger, 1));
        admit(&ledger, 2);
        hanging.begin(Instant::now() + Duration::from_secs(1));

        tokio::time::advance(Duration::from_millis(1500)).await;
        assert_eq!(ledger.due(Duration::from_secs(1)).len(), 2);
        tokio::time::advance(Duration::from_millis(1500)).await;
        assert_eq!(ledger.due(Duration::from_secs(1)).len(), 1);
        hanging.end();
        assert_eq!(ledger.due(Duration::from_secs(1)).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn tells_what_is_missing_between_floor_and_last() {
        let ledger = ledger();
        admit(&ledger, 3);
        admit(&ledger, 5);

        assert_eq!(ledger.missing(2, 5), (vec![4], 2));
        // A consumer that was created again has a floor and nothing delivered.
        assert_eq!(ledger.missing(4, 0), (vec![], 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_created_again_is_not_taken_for_the_old_one() {
        let ledger = ledger();
        let settled = admitted(admit(&ledger, 1));
        let under_way = admitted(admit(&ledger, 2));
        ledger.release(1, &settled, Release::Settled);

        assert!(matches!(admit_published(&ledger, 1, 100), Admission::Admitted(_)));
        assert!(matches!(admit_published(&ledger, 2, 101), Admission::Admitted(_)));
        ledger.release(2, &under_way, Release::Settled);

        assert!(under_way.is_revoked());
        assert_eq!(ledger.len(), 2);
    }
}
