//! What the runtime says that it has done, over all actors.

use std::fmt;

use crate::engine::ActorSnapshot;
use crate::message::Reason;

/// The runtime's own counters, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Effort {
    /// Messages that were brought to an end.
    pub(super) handled: u64,
    /// Attempts beyond the first of a message.
    pub(super) retries: u64,
    /// Messages that were given up.
    pub(super) dead_letters: u64,
    /// Attempts that panicked.
    pub(super) panics: u64,
    /// Attempts that took too long.
    pub(super) timeouts: u64,
}

impl Effort {
    /// Adds up the counters of all actors.
    pub(super) fn of(actors: &[ActorSnapshot]) -> Self {
        let mut sum = Self::default();
        for actor in actors {
            let dead_letters: u64 = actor.dead_letters.iter().map(|(_, count)| count).sum();
            // The last failed attempt of a dead letter is the one that no retry follows.
            let last_attempts = actor.dead_letters.iter().filter(|(reason, _)| ends_an_attempt(*reason));
            let last_attempts: u64 = last_attempts.map(|(_, count)| count).sum();
            sum.handled += actor.done + actor.skipped + dead_letters;
            sum.retries += actor.failed_attempts.saturating_sub(last_attempts);
            sum.dead_letters += dead_letters;
            sum.panics += actor.panics;
            sum.timeouts += actor.timeouts;
        }
        sum
    }
}

fn ends_an_attempt(reason: Reason) -> bool {
    matches!(reason, Reason::Failed | Reason::Terminal | Reason::Undecodable)
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} retries, {} dead letters", self.retries, self.dead_letters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_attempt_of_a_dead_letter_is_no_retry() {
        let actor = ActorSnapshot {
            done: 10,
            failed_attempts: 7,
            dead_letters: vec![(Reason::Failed, 1), (Reason::Undecodable, 2), (Reason::Keyless, 1)],
            ..ActorSnapshot::default()
        };

        let effort = Effort::of(&[actor]);

        assert_eq!((effort.handled, effort.retries, effort.dead_letters), (14, 4, 4));
    }
}
