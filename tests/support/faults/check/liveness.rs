//! I12: after the last fault every shard goes on, and nothing is left in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::case::{Case, shard_of};
use super::{Invariant, Violation, gap, violation};
use crate::faults::{Event, Evidence, Moment};

/// I12.
pub(super) fn liveness(case: &Case<'_>) -> Vec<Violation> {
    let evidence = case.evidence;
    let limit = evidence.bounds.liveness;
    let mut violations = match evidence.settled {
        None => {
            let text = format!("{} messages were left when the run was given up", evidence.left);
            vec![violation(Invariant::Liveness, text)]
        }
        Some(settled) if settled.since(evidence.healed) > limit => {
            let text = format!("it took {} from healing to the end", gap(settled, evidence.healed));
            vec![violation(Invariant::Liveness, text)]
        }
        Some(_) => Vec::new(),
    };
    let first_signs = first_signs(evidence);
    for shard in 0..evidence.bounds.shards {
        let has_work = case.messages.values().any(|message| {
            case.shard(&message.stored.task.entity) == shard
                && message.finished().is_none_or(|finished| finished > evidence.healed)
        });
        let is_late = first_signs.get(&shard).is_none_or(|first| first.since(evidence.healed) > limit);
        if has_work && is_late {
            let text = format!("shard {shard} did nothing for {limit:?} after healing");
            violations.push(violation(Invariant::Liveness, text));
        }
    }
    violations
}

/// When each shard first ended an attempt after healing, or left something of one that had ended before.
fn first_signs(evidence: &Evidence) -> BTreeMap<u32, Moment> {
    let ends = evidence.history.iter().filter(|line| line.event != Event::Start);
    let ends = ends.map(|line| (&line.entity, line.at));
    let outputs = evidence.outputs.iter().map(|output| (&output.done.entity, output.at));
    let mut first = BTreeMap::new();
    for (entity, at) in ends.chain(outputs).filter(|(_, at)| *at >= evidence.healed) {
        let known = first.entry(shard_of(entity, evidence.bounds.shards)).or_insert(at);
        *known = at.min(*known);
    }
    first
}

/// The longest time between two attempts' ends in any one shard, from its first one to its last one: a standstill when
/// there was a backlog all the time.
pub fn longest_standstill(evidence: &Evidence) -> Duration {
    let mut last: BTreeMap<u32, Moment> = BTreeMap::new();
    let mut longest = Duration::ZERO;
    for line in evidence.history.iter().filter(|line| line.event != Event::Start) {
        let before = last.insert(shard_of(&line.entity, evidence.bounds.shards), line.at);
        longest = longest.max(line.at.since(before.unwrap_or(line.at)));
    }
    longest
}
