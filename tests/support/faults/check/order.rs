//! I4, I5, I6: an entity's messages are handled in stream order, one attempt at a time, whoever handles them.

use std::collections::BTreeMap;

use super::case::{Attempt, Case};
use super::outcome::place;
use super::{Invariant, Violation, gap, violation};
use crate::faults::Moment;

/// I4: the outputs of an entity lie in the order of its messages.
pub(super) fn effects(case: &Case<'_>) -> Vec<Violation> {
    let mut highest: BTreeMap<&str, u64> = BTreeMap::new();
    let mut violations = Vec::new();
    for output in &case.evidence.outputs {
        let (entity, sequence) = (&output.done.entity, output.done.sequence);
        let before = highest.entry(entity).or_default();
        if sequence < *before {
            let text = format!("entity {entity}: the output of #{sequence} lies behind that of #{before}");
            violations.push(violation(Invariant::EffectOrder, text));
        }
        *before = sequence.max(*before);
    }
    violations
}

/// I5: an attempt starts when the effects of everything before it are there.
pub(super) fn starts(case: &Case<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for sequences in case.entities.values() {
        let mut last_finished: Option<(Moment, u64)> = None;
        for message in case.of_entity(sequences) {
            let early = |attempt: &&Attempt<'_>| {
                !attempt.is_excused && last_finished.is_some_and(|(finished, _)| attempt.start() < finished)
            };
            if let (Some(attempt), Some((finished, before))) =
                (message.attempts.iter().find(early), last_finished)
            {
                let by = gap(finished, attempt.start());
                let text = format!("{} started {by} before #{before} was finished", place(message));
                violations.push(violation(Invariant::StartOrder, text));
            }
            let finished = message.finished().map(|finished| (finished, message.stored.sequence));
            last_finished = last_finished.max(finished);
        }
    }
    violations
}

/// I6: no attempt starts while another one of its entity runs.
pub(super) fn overlaps(case: &Case<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (entity, sequences) in &case.entities {
        let mut attempts: Vec<Attempt<'_>> = case
            .of_entity(sequences)
            .flat_map(|message| message.attempts.iter().copied())
            .filter(|attempt| !attempt.is_excused)
            .collect();
        attempts.sort_by_key(Attempt::start);
        let mut running: Option<Attempt<'_>> = None;
        for attempt in attempts {
            if let Some(other) = running
                && attempt.start() < stopped(case, &other)
            {
                let text = format!(
                    "entity {entity}: #{} started in process {} while #{} ran in process {}",
                    attempt.line.sequence,
                    attempt.pid(),
                    other.line.sequence,
                    other.pid()
                );
                violations.push(violation(Invariant::OneAttempt, text));
            }
            let is_longer = running.is_none_or(|other| stopped(case, &other) <= stopped(case, &attempt));
            if is_longer {
                running = Some(attempt);
            }
        }
    }
    violations
}

/// When an attempt had no effect any more: it ended, its process died, or was frozen for so long that it was replaced.
fn stopped(case: &Case<'_>, attempt: &Attempt<'_>) -> Moment {
    let ended = attempt.end.map(|(at, _)| at);
    let died = case.death(attempt.pid());
    let frozen = case.long_freezes(attempt.pid()).map(|freeze| freeze.start);
    let frozen = frozen.filter(|start| *start >= attempt.start()).min();
    [ended, died, frozen].into_iter().flatten().min().unwrap_or(Moment::NEVER)
}
