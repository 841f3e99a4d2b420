//! What becomes of one shard in this instance.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::runnable::Queues;
use super::standstill::Standstill;
use crate::engine::counter::Counter;
use crate::engine::delivery::Home;
use crate::engine::ledger::Held;
use crate::message::{Fullest, PartitionId, ShardId, ShardReport, ShardState};

/// One shard's counters, and what is in its hands while it is ours.
pub(crate) struct ShardStatus {
    id: ShardId,
    done: Counter,
    dead_letters: AtomicU64,
    /// Attempts that have ended, whatever came of them.
    attempts: Counter,
    /// Leases renewed.
    renewals: AtomicU64,
    pub(super) standstill: Standstill,
    present: Mutex<Present>,
}

#[derive(Default)]
struct Present {
    /// What becomes of the shard, and since when; `None` while it is not ours.
    state: Option<(ShardState, SystemTime)>,
    home: Option<Arc<Home>>,
    /// How many messages were settled when progress was last seen, and when that was.
    progress: Option<(u64, SystemTime)>,
    /// How much had moved when movement was last seen, and when that was.
    movement: Option<(u64, Instant)>,
    /// The partition whose mailbox is full, and since when.
    full: Option<(PartitionId, SystemTime)>,
}

impl ShardStatus {
    pub(crate) fn new(id: ShardId) -> Self {
        Self {
            id,
            done: Counter::default(),
            dead_letters: AtomicU64::new(0),
            attempts: Counter::default(),
            renewals: AtomicU64::new(0),
            standstill: Standstill::default(),
            present: Mutex::default(),
        }
    }

    pub(crate) fn id(&self) -> &ShardId {
        &self.id
    }

    pub(crate) fn done(&self) {
        self.done.count();
    }

    pub(crate) fn dead_lettered(&self) {
        self.dead_letters.fetch_add(1, Ordering::Relaxed);
    }

    /// An attempt has ended.
    pub(crate) fn attempted(&self) {
        self.attempts.count();
    }

    /// Leases of messages are renewed.
    pub(crate) fn renewed(&self, leases: usize) {
        self.renewals.fetch_add(leases as u64, Ordering::Relaxed);
    }

    /// How many leases were renewed.
    pub(super) fn renewals(&self) -> u64 {
        self.renewals.load(Ordering::Relaxed)
    }

    /// The entities whose messages are in hand.
    pub(super) fn queues(&self) -> Queues {
        self.present().home.as_ref().map(|home| home.ledger.queues()).unwrap_or_default()
    }

    /// The shard is in another state from here on.
    pub(crate) fn enter(&self, state: ShardState) {
        let now = SystemTime::now();
        let mut present = self.present();
        present.state = Some((state, now));
        present.progress.get_or_insert((self.settled(), now));
    }

    /// From here on the shard's messages are accounted for there.
    pub(crate) fn work_with(&self, home: &Arc<Home>) {
        self.present().home = Some(Arc::clone(home));
    }

    /// The mailbox of this partition is full, so that intake waits, or no longer.
    pub(crate) fn hold(&self, full: Option<(PartitionId, SystemTime)>) {
        self.standstill.note(full.map(|(partition, _)| partition));
        self.present().full = full;
    }

    /// The shard is not ours any more.
    pub(crate) fn leave(&self) {
        self.standstill.note(None);
        *self.present() = Present::default();
    }

    /// Somebody else has ended a message.
    pub(crate) fn revoke(&self, sequence: u64) {
        if let Some(home) = &self.present().home {
            home.ledger.revoke(sequence);
        }
    }

    /// Whether we settled a message not long ago.
    pub(crate) fn has_settled(&self, sequence: u64) -> bool {
        self.present().home.as_ref().is_some_and(|home| home.ledger.is_settled(sequence))
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.present().home.as_ref().map_or(0, |home| home.ledger.len())
    }

    /// How many bytes are in flight, and how many may be.
    pub(super) fn bytes(&self) -> (u64, u64) {
        self.present().home.as_ref().map_or((0, 0), |home| home.ledger.bytes())
    }

    /// What becomes of the shard, and for how long; `None` while it is not ours.
    pub(super) fn state(&self) -> Option<(ShardState, Duration)> {
        let (state, since) = self.present().state?;
        Some((state, since.elapsed().unwrap_or_default()))
    }

    /// What each partition has in hand.
    pub(super) fn held(&self) -> BTreeMap<PartitionId, Held> {
        self.present().home.as_ref().map(|home| home.ledger.held_by_partition()).unwrap_or_default()
    }

    /// How many messages are in flight, and for how long nothing has become of any although something could: since the
    /// last look at which that was otherwise.
    pub(super) fn silence(&self) -> (u64, Duration) {
        let moved = self.settled() + self.attempts.sum();
        let (mut present, now) = (self.present(), Instant::now());
        let has_moved = present.movement.is_none_or(|(known, _)| known != moved);
        let is_idle = || present.home.as_ref().is_none_or(|home| home.ledger.queues().runnable() == 0);
        if has_moved || is_idle() {
            present.movement = Some((moved, now));
        }
        let in_flight = present.home.as_ref().map_or(0, |home| home.ledger.len()) as u64;
        (in_flight, present.movement.map_or(Duration::ZERO, |(_, since)| now - since))
    }

    /// What to tell the other instances; `None` while the shard is not ours.
    pub(crate) fn report(&self) -> Option<ShardReport> {
        let settled = self.settled();
        let mut present = self.present();
        let (state, since) = present.state?;
        if present.progress.is_none_or(|(known, _)| known != settled) {
            present.progress = Some((settled, SystemTime::now()));
        }
        let count = |of: fn(&Home) -> usize| present.home.as_deref().map_or(0, of) as u64;
        Some(ShardReport {
            id: self.id.clone(),
            state,
            since,
            in_flight: count(|home| home.ledger.len()),
            running: count(|home| home.ledger.running()),
            done: self.done.sum(),
            dead_letters: self.dead_letters.load(Ordering::Relaxed),
            fullest: present.home.as_deref().and_then(|home| fullest(home, present.full)),
            intake_stopped: None,
            last_progress: present.progress.map_or(since, |(_, at)| at),
        })
    }

    fn settled(&self) -> u64 {
        self.done.sum() + self.dead_letters.load(Ordering::Relaxed)
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The partition that keeps intake waiting; else the one that has more in hand than all others together.
fn fullest(home: &Home, full: Option<(PartitionId, SystemTime)>) -> Option<Fullest> {
    let held = home.ledger.held_by_partition();
    let counts: BTreeMap<PartitionId, u64> =
        held.into_iter().map(|(id, held)| (id, held.in_flight)).collect();
    if let Some((partition, since)) = full {
        let messages = counts.get(&partition).copied().unwrap_or_default();
        return Some(Fullest { partition: partition.0, messages, full_since: Some(since) });
    }
    let total: u64 = counts.values().sum();
    let (partition, messages) = counts.into_iter().max_by_key(|(_, messages)| *messages)?;
    let stands_out = messages > 1 && messages * 2 > total;
    stands_out.then_some(Fullest { partition: partition.0, messages, full_since: None })
}

impl std::fmt::Debug for ShardStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShardStatus").field("id", &self.id).finish_non_exhaustive()
    }
}
