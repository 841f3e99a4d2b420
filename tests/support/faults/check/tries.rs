//! I9: a message is tried so often and not more often, and what can succeed does.

use std::collections::BTreeSet;
use std::time::Duration;

use super::case::{Attempt, Case, Message};
use super::outcome::place;
use super::{Invariant, Violation, violation};
use crate::faults::FaultKind;

/// How long after the broker is there again it may not know what it was told before.
const RECONNECTING: Duration = Duration::from_secs(5);

/// I9.
pub(super) fn tries(case: &Case<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for message in case.messages.values() {
        let failed = message.attempts.iter().filter(|attempt| attempt.has_failed()).count();
        let highest = message.attempts.iter().map(|attempt| attempt.line.attempt).max().unwrap_or(0);
        // A try that went with its process may be made again, and has a number of its own.
        let interrupted = message.attempts.iter().filter(|attempt| attempt.end.is_none()).count();
        let limit = case.evidence.bounds.max_deliver as usize;
        if failed > limit + unrecorded(case, message) || highest as usize > limit + interrupted {
            let text = format!("{} failed {failed} times, the last attempt is {highest}", place(message));
            violations.push(violation(Invariant::Tries, text));
        }
        let is_hopeless = message.stored.task.act.is_hopeless();
        if !is_hopeless && !message.letters.is_empty() && failed + deaths(case, message) < limit {
            let reason = &message.letters[0].reason;
            let text = format!("{} is dead ({reason}) and could have been done", place(message));
            violations.push(violation(Invariant::Tries, text));
        }
        if is_hopeless && message.attempts.iter().any(Attempt::has_succeeded) {
            violations
                .push(violation(Invariant::Tries, format!("{} cannot succeed and did", place(message))));
        }
    }
    violations
}

/// How many failures may be missing in the record: the last one before each death and each long freeze, one that begins
/// after such a freeze, and all when the broker loses the consumer or cannot be told.
fn unrecorded(case: &Case<'_>, message: &Message<'_>) -> usize {
    let (Some(first), Some(last)) = (message.attempts.first(), message.attempts.last()) else { return 0 };
    let tried: BTreeSet<u32> = message.attempts.iter().map(Attempt::pid).collect();
    let dead = tried.iter().filter(|&&pid| case.death(pid).is_some());
    // What ran then fails when others have the message, who cannot know whether it had begun.
    let frozen = tried.iter().flat_map(|&pid| case.long_freezes(pid));
    let frozen = frozen.filter(|freeze| (first.start()..=last.start()).contains(&freeze.start));
    let excused = message.attempts.iter().filter(|attempt| attempt.is_excused);
    let of_the_broker = case.evidence.faults.iter().filter(|fault| {
        fault.kind.is_of_the_broker()
            && first.start() <= fault.end.plus(RECONNECTING)
            && last.start() >= fault.start
    });
    dead.count()
        + frozen.count()
        + excused.count()
        + of_the_broker.count() * case.evidence.bounds.max_deliver as usize
}

/// How many processes died while the message waited. Some of them may have noted that they try it, and nobody can tell
/// whether the handler had begun, or whether the message was the cause.
fn deaths(case: &Case<'_>, message: &Message<'_>) -> usize {
    let Some(letter) = message.letters.first() else { return 0 };
    let between = case.evidence.faults.iter().filter(|fault| {
        matches!(fault.kind, FaultKind::Kill { .. } | FaultKind::Crash { .. })
            && fault.end >= message.stored.at
            && fault.start <= letter.at
    });
    between.count()
}
