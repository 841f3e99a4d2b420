//! What becomes of one shard in this instance.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::engine::delivery::Home;
use crate::message::{ShardId, ShardReport, ShardState};

/// One shard's counters, and what is in its hands while it is ours.
pub(crate) struct ShardStatus {
    id: ShardId,
    done: AtomicU64,
    dead_letters: AtomicU64,
    present: Mutex<Present>,
}

#[derive(Default)]
struct Present {
    /// What becomes of the shard, and since when; `None` while it is not ours.
    state: Option<(ShardState, SystemTime)>,
    home: Option<Arc<Home>>,
    /// How many messages were settled when progress was last seen, and when that was.
    progress: Option<(u64, SystemTime)>,
}

impl ShardStatus {
    pub(crate) fn new(id: ShardId) -> Self {
        Self { id, done: AtomicU64::new(0), dead_letters: AtomicU64::new(0), present: Mutex::default() }
    }

    pub(crate) fn id(&self) -> &ShardId {
        &self.id
    }

    pub(crate) fn done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dead_lettered(&self) {
        self.dead_letters.fetch_add(1, Ordering::Relaxed);
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

    /// The shard is not ours any more.
    pub(crate) fn leave(&self) {
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
            done: self.done.load(Ordering::Relaxed),
            dead_letters: self.dead_letters.load(Ordering::Relaxed),
            last_progress: present.progress.map_or(since, |(_, at)| at),
        })
    }

    fn settled(&self) -> u64 {
        self.done.load(Ordering::Relaxed) + self.dead_letters.load(Ordering::Relaxed)
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for ShardStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShardStatus").field("id", &self.id).finish_non_exhaustive()
    }
}
