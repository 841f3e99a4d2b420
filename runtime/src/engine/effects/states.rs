//! The states that a partition saved last: they need not be read again while nobody else can have written them.

use std::fmt;

use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use super::state::Loaded;

/// What the states of one actor weigh together at most, in one instance, in bytes.
const BUDGET: u64 = 4 << 20;

/// What an entry weighs besides its key and its state, in bytes: about what they are kept in.
const OVERHEAD: u64 = 256;

/// What entities' states are, as far as we saved them under the present grant of the shard.
///
/// They may be written by others all the same, by hand for one: then what we save is refused, and read again.
pub(in crate::engine) struct States {
    /// The grant of the right to pull under which they were saved.
    grant: u64,
    /// None before the first: it takes its memory at once, and most actors keep no state.
    saved: Option<Cache<Box<str>, Loaded, Weight>>,
    budget: u64,
}

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Box<str>, Loaded> for Weight {
    fn weight(&self, key: &Box<str>, loaded: &Loaded) -> u64 {
        (key.len() + loaded.state().map_or(0, <[u8]>::len)) as u64 + OVERHEAD
    }
}

impl States {
    /// Those of one of so many partitions.
    pub(in crate::engine) fn new(partitions: usize) -> Self {
        Self { grant: 0, saved: None, budget: BUDGET / partitions.max(1) as u64 }
    }

    /// Takes out what was saved last for an entity under this grant. What comes of it is [kept](Self::keep) again.
    pub(super) fn take(&mut self, key: &str, grant: u64) -> Option<Loaded> {
        self.turn_to(grant);
        self.saved.as_mut()?.remove(key).map(|(_, loaded)| loaded)
    }

    /// Keeps what was saved under this grant.
    pub(super) fn keep(&mut self, key: &str, saved: Loaded, grant: u64) {
        self.turn_to(grant);
        let entries = usize::try_from(self.budget / OVERHEAD).unwrap_or(usize::MAX);
        let cache = self.saved.get_or_insert_with(|| Cache::with_weighter(entries, self.budget, Weight));
        cache.insert(key.into(), saved);
    }

    fn turn_to(&mut self, grant: u64) {
        if grant != self.grant {
            self.saved = None;
            self.grant = grant;
        }
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("States").field("grant", &self.grant).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved() -> Loaded {
        Loaded::new(None)
    }

    #[test]
    fn what_was_saved_under_an_earlier_grant_is_read_again() {
        let mut states = States::new(1);
        states.keep("ada", saved(), 1);
        states.keep("bob", saved(), 1);

        let same = states.take("ada", 1).is_some();
        let again = states.take("ada", 1).is_some();
        let later = states.take("bob", 2).is_some();

        assert_eq!((same, again, later), (true, false, false));
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let mut states = States::new(16);

        (0..10_000).for_each(|entity| states.keep(&format!("entity-{entity}"), saved(), 1));

        let kept = states.saved.as_ref().expect("some are kept").weight();
        assert!((1..=BUDGET / 16).contains(&kept), "{kept}");
    }
}
