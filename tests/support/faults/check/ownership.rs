//! I7: whoever was replaced changes nothing any more.

use std::collections::BTreeMap;

use super::case::Case;
use super::{Invariant, Violation, violation};

/// I7: from one state of an entity to the next, the last applied message only moves forward.
pub(super) fn replaced_owners(case: &Case<'_>) -> Vec<Violation> {
    let mut applied: BTreeMap<&str, u64> = BTreeMap::new();
    let mut violations = Vec::new();
    for revision in &case.evidence.revisions {
        let before = applied.insert(&revision.entity, revision.sequence);
        if let Some(before) = before.filter(|before| *before >= revision.sequence) {
            let text = format!(
                "entity {}: the state after #{} was written over the state after #{before}",
                revision.entity, revision.sequence
            );
            violations.push(violation(Invariant::ReplacedOwner, text));
        }
    }
    violations
}
