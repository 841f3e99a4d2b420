//! I1, I2, I3: what was accepted is done or dead, once, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Message};
use super::{Invariant, Violation, violation};

/// I1: what the broker acknowledged, or holds, is done or dead. While the run is not over it may be waiting.
pub(super) fn loss(case: &Case<'_>) -> Vec<Violation> {
    let held = |sequence: &u64| case.messages.contains_key(sequence);
    let acknowledged = case.evidence.publications.iter().filter_map(|publication| {
        let sequence = publication.sequence.filter(|sequence| !held(sequence))?;
        let text = format!("message {} was stored as {sequence} and is gone", publication.task.id);
        Some(violation(Invariant::Loss, text))
    });
    let unfinished: Vec<&Message<'_>> = case
        .messages
        .values()
        .filter(|message| message.outputs.is_empty() && message.letters.is_empty())
        .collect();
    let may_wait = case.evidence.settled.is_none() && unfinished.len() as u64 <= case.evidence.left;
    let lost = unfinished.iter().filter(|_| !may_wait).map(|message| {
        let tried = message.attempts.len();
        let text = format!("{} is neither done nor dead after {tried} attempts", place(message));
        violation(Invariant::Loss, text)
    });
    acknowledged.chain(lost).collect()
}

/// I2: what was started, done or given up was published.
pub(super) fn phantoms(case: &Case<'_>) -> Vec<Violation> {
    let published: BTreeSet<u64> =
        case.evidence.publications.iter().map(|publication| publication.task.id).collect();
    let is_unknown = |sequence: u64, id: Option<u64>| match case.messages.get(&sequence) {
        None => true,
        Some(message) => {
            !published.contains(&message.stored.task.id) || id.is_some_and(|id| id != message.stored.task.id)
        }
    };
    let started = case.evidence.history.iter().map(|line| ("started", line.sequence, Some(line.id)));
    let done =
        case.evidence.outputs.iter().map(|output| ("done", output.done.sequence, Some(output.done.id)));
    let dead = case.evidence.letters.iter().map(|letter| ("dead", letter.sequence, None));
    started
        .chain(done)
        .chain(dead)
        .filter(|(_, sequence, id)| is_unknown(*sequence, *id))
        .map(|(what, sequence, id)| {
            let text = format!("#{sequence} (id {id:?}) is {what}, and nobody published it");
            violation(Invariant::Phantom, text)
        })
        .collect()
}

/// I3: a message is done or dead, has one dead letter at most, and message ids are unique in the output.
pub(super) fn one_outcome(case: &Case<'_>) -> Vec<Violation> {
    let several = case.messages.values().filter_map(|message| {
        let (outputs, letters) = (message.outputs.len(), message.letters.len());
        let text = format!("{} has {outputs} outputs and {letters} dead letters", place(message));
        (outputs + letters > 1).then(|| violation(Invariant::OneOutcome, text))
    });
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    for output in &case.evidence.outputs {
        *ids.entry(&output.message_id).or_default() += 1;
    }
    let twice = ids.into_iter().filter(|(_, times)| *times > 1).map(|(id, times)| {
        violation(Invariant::OneOutcome, format!("the output `{id}` is stored {times} times"))
    });
    several.chain(twice).collect()
}

/// A message, for whoever looks for it.
pub(super) fn place(message: &Message<'_>) -> String {
    let task = &message.stored.task;
    format!("#{} (entity {}, id {}, {:?})", message.stored.sequence, task.entity, task.id, task.act)
}
