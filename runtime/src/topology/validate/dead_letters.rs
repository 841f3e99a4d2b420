//! The stream for dead letters: it can be browsed, it outlasts its sources, and its name is free.

use super::{ActorDraft, StreamDraft, stream, values};
use crate::topology::model::{DeadLetters, Server};
use crate::topology::name::{StreamName, TopologyName};
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::{DeadLettersTable, File, RetentionWord};

pub(super) fn dead_letters(table: &DeadLettersTable, server: &Server, report: &mut Report) -> DeadLetters {
    check_retention(table, report);
    let max_bytes = values::limit(values::bytes(table.max_bytes.as_ref()), "max_bytes", report);
    DeadLetters {
        max_bytes: max_bytes.or(Some(DeadLetters::MAX_BYTES)),
        max_age: stream::max_age(table.max_age.as_ref(), report),
        max_messages: values::limit(values::number(table.max_messages.as_ref()), "max_messages", report),
        replicas: stream::replicas(table.replicas.as_ref(), server, report),
        stream: table.stream.as_ref().and_then(|name| values::name(name, "a stream", report)),
        duplicate_window: stream::duplicate_window(
            table.duplicate_window.as_ref(),
            table.max_age.as_ref(),
            report,
        ),
    }
}

pub(super) fn check(
    file: &File,
    name: Option<&TopologyName>,
    streams: &[StreamDraft<'_>],
    actors: &[ActorDraft<'_>],
    report: &mut Report,
) {
    let table = file.dead_letters.as_ref();
    check_name(table, name, streams, report);
    if let Some(table) = table {
        check_age(table, streams, actors, report);
    }
}

fn check_retention(table: &DeadLettersTable, report: &mut Report) {
    let Some(retention) = table.retention.as_ref().filter(|written| written.value != RetentionWord::Limits)
    else {
        return;
    };
    report
        .add(Rule::WorkQueueDeadLetters, &retention.span, "dead letters need a stream that keeps what was read")
        .consequence("a dead letter would vanish as soon as one looks at it, and a repeated one would be stored twice after a restart")
        .cure("remove the line: dead letters are kept by limits");
}

fn check_name(
    table: Option<&DeadLettersTable>,
    name: Option<&TopologyName>,
    streams: &[StreamDraft<'_>],
    report: &mut Report,
) {
    let written = table.and_then(|table| table.stream.as_ref());
    let default: Option<StreamName> = name.map(|name| name.suffixed(DeadLetters::DEFAULT_SUFFIX));
    let Some(taken) =
        written.map(|written| written.value.as_str()).or(default.as_ref().map(StreamName::as_str))
    else {
        return;
    };
    let Some(stream) = streams.iter().find(|stream| stream.name.value == taken) else {
        return;
    };
    let finding =
        report.add(Rule::StreamNameTaken, &stream.name.span, format!("`{taken}` is the dead-letter stream"));
    finding
        .consequence("one stream cannot be both: its subjects and limits would contradict each other")
        .cure("rename one of the two: `[dead_letters] stream = \"…\"`");
    if let Some(written) = written {
        finding.related(&written.span, "named here");
    }
}

fn check_age(
    table: &DeadLettersTable,
    streams: &[StreamDraft<'_>],
    actors: &[ActorDraft<'_>],
    report: &mut Report,
) {
    let Some(age) = table.max_age.as_ref() else { return };
    let complete: Vec<&StreamDraft<'_>> =
        streams.iter().filter(|stream| stream.is_complete(report)).collect();
    for stream in complete.into_iter().filter(|stream| !stream.is_external() && stream.is_consumed(actors)) {
        let source_age = stream.table.max_age.as_ref();
        if source_age.is_some_and(|source| source.value.0 <= age.value.0) {
            continue;
        }
        let (keeps, cure) = match source_age {
            Some(source) => {
                let longest = report.written(&source.span);
                let cure =
                    format!("write at least `max_age = {longest}` under `[dead_letters]`, or leave it out");
                ("until they are this old", cure)
            }
            None => (
                "for ever",
                "remove `max_age` under `[dead_letters]`, or give the stream a `max_age`".to_owned(),
            ),
        };
        let source_span = source_age.map_or(&stream.name.span, |source| &source.span);
        report
            .add(
                Rule::DeadLettersExpireFirst,
                &age.span,
                format!("dead letters expire before the messages of stream `{}`", stream.name.value),
            )
            .consequence("what could not be handled would be the first to be lost, while what was handled is still there")
            .cure(cure)
            .related(source_span, format!("messages are kept {keeps}"));
    }
}
