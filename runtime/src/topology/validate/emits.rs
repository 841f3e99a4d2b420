//! What handlers emit lands in a stream, and does not come back to them.

use tidegate::subject::{Pattern, Token};

use super::{ActorDraft, EmitDraft, StreamDraft, values};
use crate::topology::conform::closest;
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::ActorTable;

/// The emits of one actor, less those that are broken.
pub(super) fn emits<'f>(table: &'f ActorTable, report: &mut Report) -> Vec<EmitDraft<'f>> {
    let mut emits = Vec::with_capacity(table.emits.len());
    for (port, written) in &table.emits {
        let Some(subject) = values::pattern(written, report) else {
            continue;
        };
        if subject.value.tokens().iter().any(|token| matches!(token, Token::Any | Token::Rest)) {
            report
                .add(
                    Rule::EmitWildcard,
                    &subject.span,
                    format!("port `{}` cannot publish to a wildcard", port.value),
                )
                .consequence("every message that emits there would become a dead letter")
                .cure(
                    "name the token: `{order}` takes its value from the input's subject, or from the handler",
                );
            continue;
        }
        emits.push(EmitDraft { port, subject });
    }
    emits
}

pub(super) fn check(streams: &[StreamDraft<'_>], actors: &[ActorDraft<'_>], report: &mut Report) {
    for actor in actors {
        for emit in &actor.emits {
            check_captured(emit, streams, report);
            check_tokens(actor, emit, report);
            check_own_input(actor, emit, report);
        }
    }
    warn_of_cycles(actors, report);
}

impl ActorDraft<'_> {
    fn consumes_subject(&self, subject: &Pattern) -> bool {
        self.subjects.iter().flatten().any(|own| own.value.overlaps(subject))
    }

    fn feeds(&self, other: &ActorDraft<'_>) -> Option<&EmitDraft<'_>> {
        self.emits.iter().find(|emit| other.consumes_subject(&emit.subject.value))
    }
}

fn check_captured(emit: &EmitDraft<'_>, streams: &[StreamDraft<'_>], report: &mut Report) {
    let all_known = report.is_complete("streams");
    if !all_known || streams.iter().any(|stream| stream.subjects.is_none()) {
        return;
    }
    if streams.iter().any(|stream| stream.captures(&emit.subject.value)) {
        return;
    }
    let message =
        format!("no stream captures `{}`, which port `{}` publishes to", emit.subject.value, emit.port.value);
    report
        .add(Rule::EmitNotCaptured, &emit.subject.span, message)
        .consequence("no publish would be acknowledged, so every message that emits there would fail until it is a dead letter")
        .cure("correct the subject, or add it to the subjects of a stream (`external = true` if it is not ours)");
}

/// A token the input does not name must come from the handler, unless it is only misspelt.
fn check_tokens(actor: &ActorDraft<'_>, emit: &EmitDraft<'_>, report: &mut Report) {
    for subject in actor.subjects.iter().flatten() {
        let (inputs, outputs) = (subject.value.names(), emit.subject.value.names());
        for name in outputs.iter().filter(|name| !inputs.iter().any(|input| input == *name)) {
            let Some(similar) = closest(name, inputs.iter()) else {
                continue;
            };
            report
                .add(
                    Rule::EmitToken,
                    &emit.subject.span,
                    format!("`{}` has no token `{name}`", subject.value),
                )
                .consequence(
                    "unless the handler supplies it, every message that emits there becomes a dead letter",
                )
                .cure(format!("did you mean `{{{similar}}}`?"))
                .related(&subject.span, "the input's tokens");
        }
    }
}

fn check_own_input(actor: &ActorDraft<'_>, emit: &EmitDraft<'_>, report: &mut Report) {
    let own = actor.subjects.iter().flatten().find(|subject| subject.value.overlaps(&emit.subject.value));
    let Some(own) = own else { return };
    report
        .add(
            Rule::EmitIntoOwnInput,
            &emit.subject.span,
            format!("actor `{}` emits into its own input", actor.name.value),
        )
        .consequence("each message would make another, without end")
        .cure("emit to another subject, or narrow the actor's subjects")
        .related(&own.span, "it consumes this");
}

fn warn_of_cycles(actors: &[ActorDraft<'_>], report: &mut Report) {
    for start in 0..actors.len() {
        let Some(cycle) = shortest_cycle(actors, start) else {
            continue;
        };
        let is_reported_elsewhere = cycle.iter().any(|step| *step < start) || cycle.len() == 1;
        let Some(emit) = cycle.get(1).and_then(|next| actors[start].feeds(&actors[*next])) else {
            continue;
        };
        if is_reported_elsewhere {
            continue;
        }
        let names: Vec<String> =
            cycle.iter().chain([&start]).map(|step| format!("`{}`", actors[*step].name.value)).collect();
        report
            .add(Rule::EmitCycle, &emit.subject.span, format!("messages can go round: {}", names.join(" → ")))
            .consequence("unless a handler stops it, one message keeps the actors busy for ever")
            .cure("make sure a handler ends it, or break the cycle");
    }
}

/// The actors on the shortest way from `start` back to it, breadth first.
fn shortest_cycle(actors: &[ActorDraft<'_>], start: usize) -> Option<Vec<usize>> {
    let mut ways = std::collections::VecDeque::from([vec![start]]);
    let mut seen = vec![false; actors.len()];
    while let Some(way) = ways.pop_front() {
        let last = *way.last()?;
        for next in 0..actors.len() {
            if actors[last].feeds(&actors[next]).is_none() {
                continue;
            }
            if next == start {
                return Some(way);
            }
            if !std::mem::replace(&mut seen[next], true) {
                ways.push_back(way.iter().copied().chain([next]).collect());
            }
        }
    }
    None
}
