//! The entities that do not go on: they wait for their next attempt, or for the broker to take what they have.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Serialize;

/// How many entities are told of.
const TOLD: usize = 20;

/// How much of a reason is kept.
const LONGEST: usize = 200;

/// An entity that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitingEntity {
    /// Its key.
    pub key: String,
    /// What for: `retry`, `emit_blocked`, `state_blocked`, `dead_letter_blocked`, `attempt_blocked`.
    pub what: &'static str,
    /// Why.
    pub why: String,
    /// Since when.
    pub since: SystemTime,
    /// Until when; `None` when nobody knows.
    pub until: Option<SystemTime>,
}

/// All waits of one actor. There is one for each message in flight at most.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waits(Arc<Mutex<Register>>);

#[derive(Debug, Default)]
struct Register {
    /// In the order in which they began.
    waits: BTreeMap<u64, WaitingEntity>,
    next: u64,
}

/// A wait that lasts until it is dropped.
#[derive(Debug)]
pub(crate) struct Wait {
    register: Waits,
    number: u64,
}

impl Waits {
    /// The entity waits from here on, for so long if that is known.
    pub(crate) fn begin(
        &self,
        key: &str,
        what: &'static str,
        why: &dyn std::fmt::Display,
        time: Option<Duration>,
    ) -> Wait {
        let since = SystemTime::now();
        let why: String = why.to_string().chars().take(LONGEST).collect();
        let wait =
            WaitingEntity { key: key.to_owned(), what, why, since, until: time.map(|time| since + time) };
        let mut register = self.lock();
        let number = register.next;
        register.next += 1;
        register.waits.insert(number, wait);
        Wait { register: self.clone(), number }
    }

    /// Those that have waited longest.
    pub(crate) fn longest(&self) -> Vec<WaitingEntity> {
        self.lock().waits.values().take(TOLD).cloned().collect()
    }

    /// How many wait.
    pub(crate) fn count(&self) -> u64 {
        self.lock().waits.len() as u64
    }

    fn lock(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.register.lock().waits.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_told_of_while_he_does() {
        let waits = Waits::default();

        let first = waits.begin("ada", "retry", &"no stock", Some(Duration::from_secs(5)));
        let second = waits.begin("bob", "emit_blocked", &"x".repeat(1000), None);
        let both = waits.longest();
        drop(first);
        let one = waits.longest();
        drop(second);

        let keys = |waits: &[WaitingEntity]| waits.iter().map(|wait| wait.key.clone()).collect::<Vec<_>>();
        assert_eq!(
            (keys(&both), keys(&one), waits.longest().len()),
            (vec!["ada".into(), "bob".into()], vec!["bob".into()], 0)
        );
        assert_eq!(both[0].until, Some(both[0].since + Duration::from_secs(5)));
        assert_eq!(both[1].why.len(), LONGEST);
    }

    #[test]
    fn no_more_are_told_than_anyone_reads() {
        let waits = Waits::default();

        let held: Vec<Wait> = (0..100).map(|n| waits.begin(&n.to_string(), "retry", &"", None)).collect();

        let told = waits.longest();
        assert_eq!((told.len(), told[0].key.as_str()), (TOLD, "0"));
        drop(held);
    }
}
