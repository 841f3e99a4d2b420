//! Counts how the messages of an actor end, and sees when too many of them become dead letters. Pure.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::topology::DeadLetterLimits;

/// How many of the messages that ended last the ratio is taken of, and how many there have to be.
const RECENT: usize = 200;
const ENOUGH: usize = 100;

/// How long ago one of them may have ended.
const MEMORY: Duration = Duration::from_mins(10);

/// How the last messages of one actor ended in this instance.
#[derive(Debug)]
pub(super) struct Tally {
    limits: DeadLetterLimits,
    /// Dead letters since the last message that was done.
    run: u64,
    /// When they ended, and whether as dead letters.
    recent: VecDeque<(Instant, bool)>,
}

/// A limit that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// So many dead letters in a row.
    Consecutive(u64),
    /// So many dead letters among so many messages.
    Ratio(usize, usize),
    /// So many dead letters are held.
    Held(u64),
}

impl Tally {
    pub(super) fn new(limits: DeadLetterLimits) -> Self {
        Self { limits, run: 0, recent: VecDeque::new() }
    }

    /// So many messages are done, the last of them at `last`.
    pub(super) fn done(&mut self, count: u64, last: Instant) {
        if count > 0 {
            self.run = 0;
        }
        (0..count.min(RECENT as u64)).for_each(|_| self.note(false, last));
    }

    /// A message is to become a dead letter, while `held` of the actor's are held, if that is known; tells whether that
    /// is one too many.
    pub(super) fn died(&mut self, now: Instant, held: Option<u64>) -> Option<Reached> {
        self.run += 1;
        self.note(true, now);
        let reached = self.reached(held);
        if reached.is_some() {
            self.forget();
        }
        reached
    }

    /// Begins anew.
    pub(super) fn forget(&mut self) {
        self.run = 0;
        self.recent.clear();
    }

    fn reached(&self, held: Option<u64>) -> Option<Reached> {
        if self.limits.consecutive.is_some_and(|limit| self.run >= limit) {
            return Some(Reached::Consecutive(self.run));
        }
        let (dead, all) = (self.recent.iter().filter(|(_, is_dead)| *is_dead).count(), self.recent.len());
        #[expect(clippy::cast_precision_loss, reason = "there are at most `RECENT` of both")]
        let ratio = dead as f64 / all as f64;
        if all >= ENOUGH && self.limits.ratio.is_some_and(|limit| ratio >= limit) {
            return Some(Reached::Ratio(dead, all));
        }
        let limit = self.limits.held?;
        held.filter(|held| *held >= limit).map(Reached::Held)
    }

    fn note(&mut self, is_dead: bool, now: Instant) {
        if self.limits.ratio.is_none() {
            return;
        }
        self.recent.push_back((now, is_dead));
        while self.recent.len() > RECENT || self.recent.front().is_some_and(|(at, _)| now - *at > MEMORY) {
            self.recent.pop_front();
        }
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consecutive(count) => write!(f, "{count} dead letters in a row"),
            Self::Ratio(dead, all) => write!(f, "{dead} of the last {all} messages became dead letters"),
            Self::Held(count) => write!(f, "{count} dead letters are held"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONE: DeadLetterLimits = DeadLetterLimits { ratio: None, consecutive: None, held: None };

    fn tally(limits: DeadLetterLimits) -> (Tally, Instant) {
        (Tally::new(limits), Instant::now())
    }

    #[test]
    fn a_message_that_is_done_ends_the_run() {
        let (mut tally, now) = tally(DeadLetterLimits { consecutive: Some(3), ..NONE });

        let before = [tally.died(now, None), tally.died(now, None)];
        tally.done(1, now);
        let after = [tally.died(now, None), tally.died(now, None), tally.died(now, None)];

        assert_eq!(before, [None, None]);
        assert_eq!(after, [None, None, Some(Reached::Consecutive(3))]);
        assert_eq!(tally.died(now, None), None, "it begins anew");
    }

    #[test]
    fn a_ratio_needs_enough_messages_that_ended_lately() {
        let (mut tally, start) = tally(DeadLetterLimits { ratio: Some(0.5), ..NONE });
        for _ in 0..49 {
            assert_eq!(tally.died(start, None), None);
            tally.done(1, start);
        }
        tally.done(1, start);

        assert_eq!(tally.died(start, None), Some(Reached::Ratio(50, 100)));

        for _ in 0..90 {
            assert_eq!(tally.died(start, None), None);
        }
        let later = start + MEMORY + Duration::from_secs(1);
        for _ in 0..90 {
            assert_eq!(tally.died(later, None), None, "those of long ago do not count");
        }
    }

    #[test]
    fn what_is_held_counts_only_when_one_more_is_to_come() {
        let (mut tally, now) = tally(DeadLetterLimits { held: Some(10), ..NONE });

        assert_eq!((tally.died(now, None), tally.died(now, Some(9))), (None, None));
        assert_eq!(tally.died(now, Some(10)), Some(Reached::Held(10)));
    }

    proptest! {
        #[test]
        fn no_more_in_a_row_than_the_limit_says_ever_pass(
            ends in prop::collection::vec(any::<bool>(), 0..500),
            limit in 1_u64..20,
        ) {
            let (mut tally, now) = tally(DeadLetterLimits { consecutive: Some(limit), ..NONE });
            let mut passed = 0;
            for is_dead in ends {
                if !is_dead {
                    tally.done(1, now);
                    passed = 0;
                } else if tally.died(now, None).is_none() {
                    passed += 1;
                } else {
                    prop_assert_eq!(passed, limit - 1);
                    passed = 0;
                }
                prop_assert!(passed < limit);
            }
        }
    }
}
