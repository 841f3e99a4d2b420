//! A run in which a fault did not happen proves nothing.

use super::case::Case;
use super::{Invariant, Violation, violation};

/// Every fault that was planned is in the log.
pub(super) fn happened(case: &Case<'_>) -> Vec<Violation> {
    let count = |name: &str| case.evidence.faults.iter().filter(|fault| fault.kind.name() == name).count();
    let planned = case.evidence.planned.iter();
    planned
        .filter(|(name, times)| count(name) < **times)
        .map(|(name, times)| {
            let text = format!("`{name}` was to happen {times} times and happened {}", count(name));
            violation(Invariant::Happened, text)
        })
        .collect()
}
