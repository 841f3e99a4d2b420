//! I8: whatever is handled again has a reason, and no fault is the reason for more than the window.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::case::{Attempt, Case, Message};
use super::outcome::place;
use super::{Invariant, Violation, violation};
use crate::faults::{Fault, FaultKind};

/// How long after the broker is there again clients may not be, and acks on their way may be lost.
const RECONNECTING: Duration = Duration::from_secs(5);

/// The messages that a fault is the reason to repeat, by its place in the evidence and by shard.
type Charged = BTreeMap<(usize, u32), BTreeSet<u64>>;

/// I8.
pub(super) fn unexplained(case: &Case<'_>) -> Vec<Violation> {
    let (charged, mut violations) = charged(case);
    let window = case.evidence.bounds.window;
    for ((fault, shard), sequences) in charged {
        if sequences.len() as u64 > window {
            let fault = &case.evidence.faults[fault];
            let text = format!(
                "{:?} repeated {} messages of shard {shard}, the window is {window}",
                fault.kind,
                sequences.len()
            );
            violations.push(violation(Invariant::Repeats, text));
        }
    }
    violations
}

/// Which messages each fault is the reason to repeat, by shard; and the repeats for which there is no reason.
pub(super) fn charged(case: &Case<'_>) -> (Charged, Vec<Violation>) {
    let mut unexplained = Vec::new();
    let mut charged = Charged::new();
    for (message, before, again) in repeats(case) {
        match explanation(case, before, again) {
            Some(fault) => {
                let shard = case.shard(&message.stored.task.entity);
                charged.entry((fault, shard)).or_default().insert(message.stored.sequence);
            }
            None => unexplained.push(violation(Invariant::Repeats, complaint(message, before, again))),
        }
    }
    (charged, unexplained)
}

/// The repeats, and how many the faults of the run would have allowed.
pub(super) fn count(case: &Case<'_>) -> (usize, usize) {
    let evidence = case.evidence;
    let may_repeat = |fault: &&Fault| {
        fault.kind.is_of_the_broker()
            || fault.kind.holds_up_effects()
            || matches!(fault.kind, FaultKind::Kill { .. } | FaultKind::Crash { .. })
            || super::case::long_freezes(evidence).any(|freeze| freeze == *fault)
    };
    let shards = usize::try_from(evidence.bounds.shards).unwrap_or(usize::MAX);
    let window = usize::try_from(evidence.bounds.window).unwrap_or(usize::MAX);
    (repeats(case).count(), evidence.faults.iter().filter(may_repeat).count() * shards * window)
}

/// Every attempt that follows one that had not failed.
fn repeats<'c, 'a>(
    case: &'c Case<'a>,
) -> impl Iterator<Item = (&'c Message<'a>, &'c Attempt<'a>, &'c Attempt<'a>)> {
    case.messages.values().flat_map(|message| {
        let pairs = message.attempts.windows(2).map(move |pair| (message, &pair[0], &pair[1]));
        pairs.filter(|(_, before, again)| !before.has_failed() && !again.is_excused)
    })
}

/// The fault that explains why `again` followed `before`.
fn explanation(case: &Case<'_>, before: &Attempt<'_>, again: &Attempt<'_>) -> Option<usize> {
    let is_elsewhere = before.pid() != again.pid();
    case.evidence.faults.iter().position(|fault| match fault.kind {
        FaultKind::Kill { pid } | FaultKind::Crash { pid } => is_elsewhere && pid == before.pid(),
        // It may be the one that gets the shard again, when whoever had it meanwhile is gone.
        FaultKind::Freeze { pid } => {
            pid == before.pid()
                && case.long_freezes(pid).any(|freeze| freeze == fault)
                && before.start() <= fault.end
                && again.start() >= fault.start
        }
        _ => {
            (fault.kind.is_of_the_broker() || fault.kind.holds_up_effects())
                && before.start() <= fault.end.plus(RECONNECTING)
                && again.start() >= fault.start
        }
    })
}

fn complaint(message: &Message<'_>, before: &Attempt<'_>, again: &Attempt<'_>) -> String {
    let ended = before.end.map_or("without an end".to_owned(), |(_, outcome)| format!("{outcome:?}"));
    format!(
        "{} was tried again in process {} after an attempt in process {} ({ended}), for no reason",
        place(message),
        again.pid(),
        before.pid()
    )
}
