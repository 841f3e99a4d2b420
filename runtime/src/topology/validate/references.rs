//! What refers to something else refers to something there, and what is there is used.

use std::collections::{BTreeMap, BTreeSet};

use super::{ActorDraft, StreamDraft};
use crate::topology::conform::{closest, listed};
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::{File, Located};

pub(super) fn check(file: &File, actors: &[ActorDraft<'_>], report: &mut Report) {
    let streams = file.streams.keys().map(|name| name.value.as_str());
    let handlers = file.handlers.keys().map(|name| name.value.as_str());
    for actor in actors {
        if let Some(written) = actor.table.stream.as_ref().filter(|_| report.is_complete("streams")) {
            refer(actor, Rule::UnknownStream, "stream", written, streams.clone(), report);
        }
        if let Some(written) = actor.table.handler.as_ref().filter(|_| report.is_complete("handlers")) {
            refer(actor, Rule::UnknownHandler, "handler", written, handlers.clone(), report);
        }
    }
}

/// Warns of what is never used; said only of a topology without errors, which may be why.
pub(super) fn warn_of_what_is_unused(
    file: &File,
    streams: &[StreamDraft<'_>],
    actors: &[ActorDraft<'_>],
    report: &mut Report,
) {
    compare_ports(actors, report);
    warn_of_unused_handlers(file, report);
    warn_of_unused_streams(streams, actors, report);
    if actors.is_empty() {
        report
            .add(Rule::NoActors, &(0..0), "the topology has no actors")
            .consequence("streams are created, but no message is handled")
            .cure("add `[actors.<name>]` with `handler`, `stream` and `subjects`");
    }
}

impl StreamDraft<'_> {
    /// Whether an actor consumes it.
    pub(super) fn is_consumed(&self, actors: &[ActorDraft<'_>]) -> bool {
        actors.iter().any(|actor| actor.consumes(self))
    }

    /// Whether an actor emits into it.
    pub(super) fn is_output(&self, actors: &[ActorDraft<'_>]) -> bool {
        actors.iter().flat_map(|actor| &actor.emits).any(|emit| self.captures(&emit.subject.value))
    }
}

impl ActorDraft<'_> {
    /// Whether it consumes `stream`.
    pub(super) fn consumes(&self, stream: &StreamDraft<'_>) -> bool {
        self.table.stream.as_ref().is_some_and(|name| *name == *stream.name)
    }
}

fn refer<'k>(
    actor: &ActorDraft<'_>,
    rule: Rule,
    kind: &str,
    written: &Located<String>,
    known: impl Iterator<Item = &'k str> + Clone,
    report: &mut Report,
) {
    if known.clone().any(|name| name == written.value) {
        return;
    }
    let cure = match closest(&written.value, known.clone()) {
        Some(similar) => format!("did you mean `{similar}`?"),
        None if known.clone().next().is_none() => format!("declare it: `[{kind}s.{}]`", written.value),
        None => format!("declare it, or use one of {}", listed(&known.collect::<Vec<_>>())),
    };
    report
        .add(rule, &written.span, format!("there is no {kind} `{}`", written.value))
        .consequence(format!(
            "actor `{}` would have nothing to work with, so the topology cannot start",
            actor.name.value
        ))
        .cure(cure);
}

/// Actors that share a handler share its ports: one that maps fewer, or another, is likely misspelt.
fn compare_ports(actors: &[ActorDraft<'_>], report: &mut Report) {
    let mut by_handler: BTreeMap<&str, Vec<&ActorDraft<'_>>> = BTreeMap::new();
    for actor in actors {
        if let Some(handler) = &actor.table.handler {
            by_handler.entry(&handler.value).or_default().push(actor);
        }
    }
    for (handler, actors) in by_handler {
        let ports: BTreeSet<&Located<String>> =
            actors.iter().flat_map(|actor| actor.table.emits.keys()).collect();
        for actor in actors {
            for port in ports.iter().filter(|port| !actor.table.emits.contains_key(**port)) {
                let misspelt = closest(&port.value, actor.table.emits.keys().map(|own| own.value.as_str()));
                if misspelt.is_some() && port.span.start > actor.name.span.start {
                    // The other actor is told of this pair.
                    continue;
                }
                let cure = match misspelt {
                    Some(own) => format!("did you mean `{}` where it says `{own}`?", port.value),
                    None => format!("map it: `emits = {{ {} = \"…\" }}`", port.value),
                };
                report
                    .add(
                        Rule::UnknownPort,
                        &actor.name.span,
                        format!(
                            "actor `{}` does not map port `{}` of handler `{handler}`",
                            actor.name.value, port.value
                        ),
                    )
                    .consequence("a message whose handler emits there becomes a dead letter")
                    .cure(cure)
                    .related(&port.span, "another actor of the same handler maps it");
            }
        }
    }
}

fn warn_of_unused_handlers(file: &File, report: &mut Report) {
    let used: BTreeSet<&str> = file
        .actors
        .values()
        .filter_map(|actor| actor.handler.as_ref())
        .map(|handler| handler.value.as_str())
        .collect();
    for name in file.handlers.keys().filter(|name| !used.contains(name.value.as_str())) {
        report
            .add(Rule::UnusedHandler, &name.span, format!("no actor uses handler `{}`", name.value))
            .consequence("it is compiled and linked, and never called")
            .cure("remove it, or name it in an actor");
    }
}

fn warn_of_unused_streams(streams: &[StreamDraft<'_>], actors: &[ActorDraft<'_>], report: &mut Report) {
    for stream in streams.iter().filter(|stream| !stream.is_consumed(actors) && !stream.is_output(actors)) {
        report
            .add(
                Rule::UnusedStream,
                &stream.name.span,
                format!("no actor consumes stream `{}` or emits into it", stream.name.value),
            )
            .consequence("it fills up with what others publish, and nobody handles it")
            .cure("remove it, or name it in an actor");
    }
}
