//! Those who wait before a closed gate, first come, first served.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

/// A line. Tokio's semaphore serves in the order of arrival, and who gives up leaves no gap.
#[derive(Debug, Clone)]
pub(super) struct Line {
    turns: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Default for Line {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(0)), waiting: Arc::default() }
    }
}

impl Line {
    /// Waits for a turn, or until the line dissolves. Whether it had to wait.
    pub(super) async fn turn(&self) -> bool {
        if self.try_turn() {
            return false;
        }
        let _place = Place::take(&self.waiting);
        if let Ok(turn) = self.turns.acquire().await {
            turn.forget();
        }
        true
    }

    /// Takes a turn if one is left over.
    pub(super) fn try_turn(&self) -> bool {
        match self.turns.try_acquire() {
            Ok(turn) => {
                turn.forget();
                true
            }
            Err(_) => self.turns.is_closed(),
        }
    }

    /// Gives turns, but leaves no more than `most` for those who come later.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a burst")]
    pub(super) fn give(&self, turns: usize, most: f64) {
        // Who waits takes a turn at once, so those that are left over are for nobody.
        let room = (most as usize).saturating_sub(self.turns.available_permits());
        self.turns.add_permits(turns.min(room.max(self.waiting())));
    }

    /// Takes back the turns that nobody has taken.
    pub(super) fn take_back(&self) {
        self.turns.forget_permits(self.turns.available_permits());
    }

    /// Lets everybody go.
    pub(super) fn dissolve(&self) {
        self.turns.close();
    }

    /// How long one who comes now would wait at so many turns a second.
    pub(super) fn wait_at(&self, rate: f64) -> Duration {
        const SHORTEST: f64 = 0.01;
        const LONGEST: f64 = 60.0;
        #[expect(clippy::cast_precision_loss, reason = "callers that wait are far fewer than 2^52")]
        let ahead = self.waiting() as f64 + 1.0;
        let seconds = (ahead / rate).clamp(SHORTEST, LONGEST);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(1))
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// A place in line, given up when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
