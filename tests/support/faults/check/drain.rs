//! I13: a drain starts nothing more, ends in time, and ends well.

use std::time::Duration;

use super::case::Case;
use super::{Invariant, Violation, gap, violation};
use crate::faults::{Event, FaultKind};

/// How long a signal may take to be heard on a busy machine. A drain that does not hear it starts things for longer.
const HEARING: Duration = Duration::from_millis(500);

/// I13.
pub(super) fn drains(case: &Case<'_>) -> Vec<Violation> {
    let evidence = case.evidence;
    let mut violations = Vec::new();
    for fault in &evidence.faults {
        let FaultKind::Terminate { pid, code } = fault.kind else { continue };
        let heard = fault.start.plus(HEARING);
        let late = evidence
            .history
            .iter()
            .filter(|line| line.pid == pid && line.event == Event::Start && line.at > heard);
        if let Some(line) = late.max_by_key(|line| line.at) {
            let after = gap(line.at, fault.start);
            let text = format!("process {pid} started #{} {after} after SIGTERM", line.sequence);
            violations.push(violation(Invariant::Drain, text));
        }
        if fault.end.since(fault.start) > evidence.bounds.drain {
            let text = format!("process {pid} took {} to drain", gap(fault.end, fault.start));
            violations.push(violation(Invariant::Drain, text));
        }
        if code != Some(0) && case.death(pid).is_none() {
            violations
                .push(violation(Invariant::Drain, format!("process {pid} drained and ended with {code:?}")));
        }
    }
    let unclean = evidence.exits.iter().filter(|exit| exit.code != Some(0)).map(|exit| {
        let text = format!("process {} ended with {:?} at the end of the run", exit.pid, exit.code);
        violation(Invariant::Drain, text)
    });
    violations.extend(unclean);
    violations
}
