//! The evidence, sorted by what belongs together.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_runtime::message::partition::hash_key;

use crate::faults::{Event, Evidence, Fault, FaultKind, Letter, Line, Moment, Outcome, Output, Stored};

/// How long after a freeze an attempt may start that was past all checks when the freeze came.
const THAWING: Duration = Duration::from_millis(100);

/// A run, sorted.
pub(super) struct Case<'a> {
    pub(super) evidence: &'a Evidence,
    /// Every message of the input stream, by its place there.
    pub(super) messages: BTreeMap<u64, Message<'a>>,
    /// The places of each entity's messages, in order.
    pub(super) entities: BTreeMap<&'a str, Vec<u64>>,
    /// When processes died that nobody had asked to end.
    deaths: BTreeMap<u32, Moment>,
}

/// A message and what became of it.
pub(super) struct Message<'a> {
    pub(super) stored: &'a Stored,
    /// In the order of their starts.
    pub(super) attempts: Vec<Attempt<'a>>,
    pub(super) outputs: Vec<&'a Output>,
    pub(super) letters: Vec<&'a Letter>,
}

/// One attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) line: &'a Line,
    pub(super) end: Option<(Moment, Outcome)>,
    /// It was past all checks when its process was frozen, and started right after.
    pub(super) is_excused: bool,
}

impl Attempt<'_> {
    pub(super) fn pid(&self) -> u32 {
        self.line.pid
    }

    pub(super) fn start(&self) -> Moment {
        self.line.at
    }

    pub(super) fn has_succeeded(&self) -> bool {
        matches!(self.end, Some((_, Outcome::Ok)))
    }

    pub(super) fn has_failed(&self) -> bool {
        matches!(self.end, Some((_, Outcome::Failed | Outcome::Panicked | Outcome::Cancelled)))
    }
}

impl Message<'_> {
    /// When its effect was there for all to see: stored by the server, or, when that is lost, ended by the handler.
    pub(super) fn finished(&self) -> Option<Moment> {
        let outputs = self.outputs.iter().map(|output| output.at);
        let stored = outputs.chain(self.letters.iter().map(|letter| letter.at)).min();
        stored.or_else(|| {
            let ok = self.attempts.iter().filter(|attempt| attempt.has_succeeded());
            ok.filter_map(|attempt| attempt.end).map(|(at, _)| at).min()
        })
    }
}

impl<'a> Case<'a> {
    pub(super) fn new(evidence: &'a Evidence) -> Self {
        let mut case =
            Self { evidence, messages: BTreeMap::new(), entities: BTreeMap::new(), deaths: deaths(evidence) };
        for stored in &evidence.input {
            let message = Message { stored, attempts: Vec::new(), outputs: Vec::new(), letters: Vec::new() };
            case.messages.insert(stored.sequence, message);
            case.entities.entry(&stored.task.entity).or_default().push(stored.sequence);
        }
        for attempt in attempts(evidence) {
            if let Some(message) = case.messages.get_mut(&attempt.line.sequence) {
                message.attempts.push(attempt);
            }
        }
        for output in &evidence.outputs {
            if let Some(message) = case.messages.get_mut(&output.done.sequence) {
                message.outputs.push(output);
            }
        }
        for letter in &evidence.letters {
            if let Some(message) = case.messages.get_mut(&letter.sequence) {
                message.letters.push(letter);
            }
        }
        case
    }

    /// The messages of an entity, in stream order.
    pub(super) fn of_entity(&self, sequences: &[u64]) -> impl Iterator<Item = &Message<'a>> {
        sequences.iter().filter_map(|sequence| self.messages.get(sequence))
    }

    /// The shard of an entity, as the server computes it.
    pub(super) fn shard(&self, entity: &str) -> u32 {
        shard_of(entity, self.evidence.bounds.shards)
    }

    /// When a process died unasked.
    pub(super) fn death(&self, pid: u32) -> Option<Moment> {
        self.deaths.get(&pid).copied()
    }

    /// The freezes of a process that others may have taken for its death.
    pub(super) fn long_freezes(&self, pid: u32) -> impl Iterator<Item = &'a Fault> {
        long_freezes(self.evidence).filter(move |fault| fault.kind == FaultKind::Freeze { pid })
    }
}

/// The shard of an entity.
pub(in crate::faults) fn shard_of(entity: &str, shards: u32) -> u32 {
    hash_key(entity) % shards.max(1)
}

/// A frozen process that is back before half of the time has always renewed in time.
pub(super) fn long_freezes(evidence: &Evidence) -> impl Iterator<Item = &Fault> {
    let least = evidence.bounds.failover / 2;
    evidence.faults.iter().filter(move |fault| {
        matches!(fault.kind, FaultKind::Freeze { .. }) && fault.end.since(fault.start) >= least
    })
}

fn deaths(evidence: &Evidence) -> BTreeMap<u32, Moment> {
    let last_line = |pid| evidence.history.iter().rev().find(|line| line.pid == pid).map(|line| line.at);
    evidence
        .faults
        .iter()
        .filter_map(|fault| match fault.kind {
            FaultKind::Kill { pid } => Some((pid, fault.start)),
            FaultKind::Crash { pid } => Some((pid, last_line(pid).unwrap_or(fault.start))),
            _ => None,
        })
        .collect()
}

/// Pairs starts with their ends, and returns the attempts in the order of their starts.
fn attempts(evidence: &Evidence) -> Vec<Attempt<'_>> {
    let mut attempts: Vec<Attempt<'_>> = Vec::with_capacity(evidence.history.len() / 2);
    let mut running: BTreeMap<(u32, u64), usize> = BTreeMap::new();
    for line in &evidence.history {
        let place = (line.pid, line.sequence);
        match line.event {
            Event::Start => {
                running.insert(place, attempts.len());
                attempts.push(Attempt { line, end: None, is_excused: false });
            }
            Event::End { outcome } => {
                if let Some(at) = running.remove(&place) {
                    attempts[at].end = Some((line.at, outcome));
                }
            }
        }
    }
    for fault in long_freezes(evidence) {
        let is_thawing = |attempt: &&mut Attempt<'_>| {
            fault.kind == FaultKind::Freeze { pid: attempt.pid() }
                && attempt.start() >= fault.start
                && attempt.start() <= fault.end.plus(THAWING)
        };
        let excused = attempts.iter_mut().filter(is_thawing).take(evidence.bounds.arbiters);
        excused.for_each(|attempt| attempt.is_excused = true);
    }
    attempts
}
