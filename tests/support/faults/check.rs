//! Judges a run by its evidence alone: pure, so that a violation can be looked at again from the files of its run.

mod bounds;
mod case;
mod drain;
mod happened;
mod letters;
mod liveness;
mod order;
mod outcome;
mod ownership;
mod repeats;
mod state;
mod tries;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use super::{Evidence, Moment};
use case::Case;

pub(super) use case::shard_of;
pub use liveness::longest_standstill;

/// What must hold, by the numbers of `docs/faults.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// I1: what was accepted is done, dead or waiting.
    Loss,
    /// I2: what happened was asked for.
    Phantom,
    /// I3: done or dead, and once.
    OneOutcome,
    /// I4: an entity's effects are in stream order.
    EffectOrder,
    /// I5: an attempt starts when nothing before it is unfinished.
    StartOrder,
    /// I6: one attempt of an entity at a time.
    OneAttempt,
    /// I7: a replaced owner changes no state.
    ReplacedOwner,
    /// I8: repeats are explained and bounded.
    Repeats,
    /// I9: tries are bounded, and what can succeed does.
    Tries,
    /// I10: the state is the fold of what was done.
    Fold,
    /// I11: memory, descriptors, threads and messages in flight are bounded.
    Bounds,
    /// I12: after healing, all shards go on and nothing is left.
    Liveness,
    /// I13: a drain starts nothing, ends in time, and cleanly.
    Drain,
    /// I14: a dead letter is the message, unchanged.
    DeadLetter,
    /// The faults that were planned did happen.
    Happened,
}

impl Invariant {
    /// Its number.
    pub fn code(self) -> &'static str {
        const CODES: [&str; 15] = [
            "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "I12", "I13", "I14", "faults",
        ];
        CODES[self as usize]
    }
}

/// Something that must not have happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What it breaks.
    pub invariant: Invariant,
    /// What happened, and to what.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: {}", self.invariant.code(), self.invariant, self.text)
    }
}

/// Everything that a run did against its promises, by invariant.
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let case = Case::new(evidence);
    let judges = [
        outcome::loss,
        outcome::phantoms,
        outcome::one_outcome,
        order::effects,
        order::starts,
        order::overlaps,
        ownership::replaced_owners,
        repeats::unexplained,
        tries::tries,
        state::fold,
        bounds::bounds,
        liveness::liveness,
        drain::drains,
        letters::letters,
        happened::happened,
    ];
    judges.into_iter().flat_map(|judge| judge(&case)).collect()
}

/// How many attempts followed an earlier one of the same message that had not failed, and how many would have been
/// within the bounds of the faults that explain them.
pub fn count_repeats(evidence: &Evidence) -> (usize, usize) {
    repeats::count(&Case::new(evidence))
}

/// How many messages each fault is the reason to repeat, by its place in the evidence and by shard.
pub fn repeats_by_fault(evidence: &Evidence) -> BTreeMap<(usize, u32), usize> {
    let charged = repeats::charged(&Case::new(evidence)).0;
    charged.into_iter().map(|(place, sequences)| (place, sequences.len())).collect()
}

fn violation(invariant: Invariant, text: impl Into<String>) -> Violation {
    Violation { invariant, text: text.into() }
}

/// Moments are long numbers: what is of interest is how far they are apart.
fn gap(later: Moment, earlier: Moment) -> String {
    format!("{:.3} s", later.since(earlier).as_secs_f64())
}
