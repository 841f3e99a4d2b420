//! The books of one actor: what it was given, what it answered, and whether the two agree.
//!
//! Kept only from what lies in the streams, so that a runtime that miscounts, loses or reorders cannot hide it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::iter::Sum;
use std::time::{Duration, SystemTime};

use super::origin::Answer;

/// What an actor was given and what it answered.
#[derive(Debug, Default)]
pub(super) struct Books {
    inputs: BTreeMap<u64, Input>,
    answers: Vec<Entry>,
}

#[derive(Debug)]
struct Input {
    /// What must stay in order with it.
    lane: Option<Box<str>>,
    stored: SystemTime,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    input: u64,
    answer: Answer,
    stored: SystemTime,
}

/// What the books say at the end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Balance {
    /// Inputs.
    pub(super) given: u64,
    /// Over how long they were stored.
    pub(super) given_within: Duration,
    /// Lanes that were answered.
    pub(super) lanes: usize,
    /// Inputs that were answered with an emit.
    pub(super) done: u64,
    /// Inputs that became dead letters.
    pub(super) dead: u64,
    /// Inputs without an answer.
    pub(super) lost: u64,
    /// Answers that were given before, and dead letters of what was done.
    pub(super) repeated: u64,
    /// Answers that came after those to later inputs of the same lane.
    pub(super) order_violations: u64,
    /// From input to first emit, by the server's clock.
    pub(super) latencies: Vec<Duration>,
    /// When the first input was stored.
    pub(super) first: Option<SystemTime>,
    /// When the last answer was stored.
    pub(super) last: Option<SystemTime>,
}

impl Books {
    /// Enters an input. Those of one lane must be answered in the order of their sequences.
    pub(super) fn given(&mut self, sequence: u64, lane: Option<&str>, stored: SystemTime) {
        self.inputs.insert(sequence, Input { lane: lane.map(Into::into), stored });
    }

    /// Enters an answer.
    pub(super) fn answered(&mut self, input: u64, answer: Answer, stored: SystemTime) {
        self.answers.push(Entry { input, answer, stored });
    }

    /// Adds up.
    pub(super) fn close(mut self) -> Balance {
        self.answers.sort_by_key(|entry| entry.stored);
        let mut balance = Balance { given: self.inputs.len() as u64, ..Balance::default() };
        let stored = self.inputs.values().map(|input| input.stored);
        balance.first = stored.clone().min();
        let span = balance.first.zip(stored.max());
        balance.given_within =
            span.and_then(|(first, last)| last.duration_since(first).ok()).unwrap_or_default();
        let mut seen = HashSet::new();
        let mut done = HashSet::new();
        let mut dead = HashSet::new();
        let mut latest: HashMap<&str, u64> = HashMap::new();
        for Entry { input: sequence, answer, stored } in self.answers {
            let Some(input) = self.inputs.get(&sequence) else { continue };
            balance.last = Some(stored);
            if !seen.insert((sequence, answer)) {
                balance.repeated += 1;
                continue;
            }
            match answer {
                Answer::DeadLetter => {
                    dead.insert(sequence);
                }
                Answer::Emit(_) if done.insert(sequence) => {
                    balance.latencies.push(stored.duration_since(input.stored).unwrap_or_default());
                }
                Answer::Emit(_) => {}
            }
            if let Some(lane) = &input.lane {
                let latest = latest.entry(lane).or_default();
                balance.order_violations += u64::from(sequence < *latest);
                *latest = sequence.max(*latest);
            }
        }
        balance.lanes = latest.len();
        balance.repeated += done.intersection(&dead).count() as u64;
        balance.lost = balance.given - done.union(&dead).count() as u64;
        balance.done = done.len() as u64;
        balance.dead = dead.len() as u64;
        balance
    }
}

impl Balance {
    /// From the first input to the last answer.
    pub(super) fn took(&self) -> Duration {
        let span = self.first.zip(self.last);
        span.and_then(|(first, last)| last.duration_since(first).ok()).unwrap_or_default()
    }
}

impl<'a> Sum<&'a Self> for Balance {
    /// Adds up the counts of several actors; lanes and times of single inputs are left out, since they do not add up.
    fn sum<I: Iterator<Item = &'a Self>>(balances: I) -> Self {
        balances.fold(Self::default(), |sum, balance| Self {
            given: sum.given + balance.given,
            done: sum.done + balance.done,
            dead: sum.dead + balance.dead,
            lost: sum.lost + balance.lost,
            repeated: sum.repeated + balance.repeated,
            order_violations: sum.order_violations + balance.order_violations,
            first: sum.first.into_iter().chain(balance.first).min(),
            last: sum.last.max(balance.last),
            ..sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    /// Inputs 1 and 3 of the lane `a`, 2 of `b`, stored at their sequence in milliseconds.
    fn books(answers: &[(u64, Answer, u64)]) -> Balance {
        let mut books = Books::default();
        for (sequence, lane) in [(1, "a"), (2, "b"), (3, "a")] {
            books.given(sequence, Some(lane), at(sequence));
        }
        for &(input, answer, stored) in answers {
            books.answered(input, answer, at(stored));
        }
        books.close()
    }

    #[test]
    fn what_is_answered_once_and_in_order_balances() {
        let balance = books(&[
            (2, Answer::Emit(0), 10),
            (1, Answer::Emit(0), 11),
            (1, Answer::Emit(1), 12),
            (3, Answer::DeadLetter, 13),
        ]);

        let latencies = [8, 10].map(Duration::from_millis).to_vec();
        let expected = Balance {
            given: 3,
            given_within: Duration::from_millis(2),
            lanes: 2,
            done: 2,
            dead: 1,
            latencies,
            first: Some(at(1)),
            last: Some(at(13)),
            ..Balance::default()
        };
        assert_eq!(balance, expected);
    }

    #[test]
    fn what_is_not_answered_is_lost() {
        assert_eq!(books(&[(1, Answer::Emit(0), 10), (3, Answer::DeadLetter, 11)]).lost, 1);
    }

    #[test]
    fn overtaking_within_a_lane_is_a_violation() {
        assert_eq!(books(&[(3, Answer::Emit(0), 10), (1, Answer::Emit(0), 11)]).order_violations, 1);
        assert_eq!(books(&[(3, Answer::Emit(0), 10), (1, Answer::DeadLetter, 11)]).order_violations, 1);
        assert_eq!(books(&[(3, Answer::Emit(0), 10), (2, Answer::Emit(0), 11)]).order_violations, 0);
    }

    #[test]
    fn the_same_answer_twice_is_a_repeat() {
        assert_eq!(books(&[(1, Answer::Emit(0), 10), (1, Answer::Emit(0), 11)]).repeated, 1);
        assert_eq!(books(&[(1, Answer::Emit(0), 10), (1, Answer::DeadLetter, 11)]).repeated, 1);
    }

    #[test]
    fn answers_to_nothing_do_not_count() {
        assert_eq!(books(&[(9, Answer::Emit(0), 10)]).done, 0);
    }
}
