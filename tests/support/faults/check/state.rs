//! I10: an entity's state is the fold of what was done, in stream order.

use std::collections::BTreeMap;

use super::case::{Attempt, Case};
use super::outcome::place;
use super::{Invariant, Violation, violation};
use crate::faults::Chain;

/// I10: every output and the last state agree with the fold.
pub(super) fn fold(case: &Case<'_>) -> Vec<Violation> {
    let mut last: BTreeMap<&str, Chain> = BTreeMap::new();
    for revision in &case.evidence.revisions {
        last.insert(&revision.entity, revision.chain);
    }
    let mut violations = Vec::new();
    for (entity, sequences) in &case.entities {
        let mut chain = Chain::default();
        let mut is_sound = true;
        for message in case.of_entity(sequences) {
            // What a zombie's handler still said of a message that was given up meanwhile has left nothing.
            let is_done = !message.outputs.is_empty()
                || message.letters.is_empty() && message.attempts.iter().any(Attempt::has_succeeded);
            if is_done {
                chain.push(message.stored.task.id);
            }
            if let Some(output) = message.outputs.iter().find(|output| output.done.chain != chain && is_sound)
            {
                // All that follow differ, too: one complaint for an entity is enough.
                is_sound = false;
                let (len, expected) = (output.done.chain.len, chain.len);
                let text =
                    format!("{} left the state {len} long, the fold is {expected} long", place(message));
                violations.push(violation(Invariant::Fold, text));
            }
        }
        let state = last.get(entity).copied().unwrap_or_default();
        if state != chain && is_sound && case.evidence.settled.is_some() {
            let text =
                format!("entity {entity}: the state is {} long, the fold is {} long", state.len, chain.len);
            violations.push(violation(Invariant::Fold, text));
        }
    }
    violations
}
