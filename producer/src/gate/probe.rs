//! A full stream is tried by one event at a time, while the others wait in line.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Gate;
use super::line::Line;

const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// When nobody tries, somebody may after this long.
const PAUSE: Duration = Duration::from_secs(1);

/// One that has not tried for so long is not polled; then another may.
const TOO_LONG: Duration = Duration::from_secs(5);

/// The stream has said that it is full.
#[derive(Debug)]
pub(super) struct Full {
    has_probe: bool,
    last_try: Instant,
}

impl Full {
    /// Lets another one try when who should does not.
    pub(super) fn look_after(&mut self, line: &Line, now: Instant) {
        let patience = if self.has_probe { TOO_LONG } else { PAUSE };
        if now.duration_since(self.last_try) >= patience {
            self.last_try = now;
            self.has_probe = false;
            line.give(1, 1.0);
        }
    }
}

/// Whoever holds it tries whether there is room; when it is dropped, the next in line does.
#[derive(Debug)]
pub(crate) struct Probe {
    gate: Arc<Gate>,
    wait: Duration,
}

impl Gate {
    /// The stream has refused an event because it is full. The first to be refused becomes the probe; the others
    /// have to [`pass`](Gate::pass) again.
    pub(crate) fn refused_as_full(self: &Arc<Self>) -> Option<Probe> {
        let mut state = self.lock();
        let now = Instant::now();
        let full = state.full.get_or_insert(Full { has_probe: false, last_try: now });
        let is_first = !full.has_probe;
        full.has_probe = true;
        self.settle(&mut state);
        is_first.then(|| Probe { gate: Arc::clone(self), wait: FIRST_WAIT })
    }
}

impl Probe {
    /// Waits before the next try, longer each time. A change of the flow ends it early, one to `stop` prolongs it.
    ///
    /// # Cancel safety
    /// A cancelled wait loses nothing.
    pub(crate) async fn wait(&mut self) {
        // Too early is right as well, so the result does not matter.
        drop(timeout(self.wait, self.gate.changed.notified()).await);
        self.gate.until_not_stopped().await;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        if let Some(full) = &mut self.gate.lock().full {
            full.last_try = Instant::now();
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let state = &mut *self.gate.lock();
        if let Some(full) = &mut state.full {
            full.has_probe = false;
            if let Some(line) = state.line.as_ref().filter(|line| line.waiting() > 0) {
                line.give(1, 1.0);
            }
        }
    }
}
