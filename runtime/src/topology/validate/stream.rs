//! One stream.

use std::time::Duration;

use super::{StreamDraft, flow, values};
use crate::topology::model::{Origin, Retention, Server, Storage, Stream};
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::{
    Count, DiscardWord, Located, RetentionWord, Size, Span, StorageWord, StreamTable, Timespan,
};

/// The shortest age and duplicate window that the server takes.
pub(super) const SERVER_MINIMUM: Duration = Duration::from_millis(100);

pub(super) fn stream<'f>(
    name: &'f Located<String>,
    table: &'f StreamTable,
    server: &Server,
    report: &mut Report,
) -> StreamDraft<'f> {
    let owner = format!("stream `{}`", name.value);
    let consequence = "it would capture nothing but messages sent to its own name";
    let subjects = values::patterns(table.subjects.as_ref(), &owner, consequence, report);
    if is_external(table) {
        warn_of_what_is_not_ours(name, table, report);
    }
    check_discard(table, report);
    let duplicate_window = duplicate_window(table.duplicate_window.as_ref(), table.max_age.as_ref(), report);
    let max_message_size = max_message_size(table.max_message_size.as_ref(), report);
    let max_bytes = values::limit(values::bytes(table.max_bytes.as_ref()), "max_bytes", report);
    let max_messages = values::limit(values::number(table.max_messages.as_ref()), "max_messages", report);
    let max_age = max_age(table.max_age.as_ref(), report);
    let origin = if is_external(table) { Origin::External } else { Origin::Declared };
    let flow = flow::marks(table, origin, report);
    let replicas = replicas(table.replicas.as_ref(), server, report);
    let shards = values::positive(table.shards.as_ref(), "shards", 1, Stream::MAX_SHARDS, report);
    let stream_name = values::name(name, "a stream", report);
    let model = stream_name.zip(subjects.as_ref()).map(|(name, subjects)| Stream {
        name,
        origin,
        subjects: subjects.iter().map(|subject| subject.value.clone()).collect(),
        shards,
        retention: table.retention.as_ref().map_or(Retention::Limits, |written| match written.value {
            RetentionWord::Limits => Retention::Limits,
            RetentionWord::WorkQueue => Retention::WorkQueue,
            RetentionWord::Interest => Retention::Interest,
        }),
        storage: table.storage.as_ref().map_or(Storage::File, |written| match written.value {
            StorageWord::File => Storage::File,
            StorageWord::Memory => Storage::Memory,
        }),
        max_bytes,
        max_age,
        max_messages,
        max_message_size,
        replicas,
        duplicate_window,
        flow,
    });
    StreamDraft { name, table, subjects, model }
}

impl StreamDraft<'_> {
    pub(super) fn is_external(&self) -> bool {
        is_external(self.table)
    }

    /// Whether nothing the file says about it had to be left out.
    pub(super) fn is_complete(&self, report: &Report) -> bool {
        report.is_complete(&format!("streams.{}", self.name.value))
    }

    pub(super) fn has_retention(&self, retention: RetentionWord) -> bool {
        self.table.retention.as_ref().map_or(RetentionWord::Limits, |written| written.value) == retention
    }

    pub(super) fn has_single_replica(&self) -> bool {
        !self.is_external() && self.table.replicas.as_ref().is_none_or(|replicas| replicas.value.0 == 1)
    }

    pub(super) fn replicas_span(&self) -> &Span {
        self.table.replicas.as_ref().map_or(&self.name.span, |replicas| &replicas.span)
    }
}

/// How many servers keep a copy.
pub(super) fn replicas(entry: Option<&Located<Count>>, server: &Server, report: &mut Report) -> u8 {
    let Some(written) = entry else { return 1 };
    let (most, consequence, cure) = match server {
        Server::Embedded => {
            (1, "an embedded server is alone, so it would refuse the stream", "write `replicas = 1`")
        }
        Server::Url(_) | Server::Unspecified => (
            5,
            "the server would refuse the stream",
            "write 1, 3 or 5; an odd number keeps a majority when one is lost",
        ),
    };
    match u8::try_from(written.value.0) {
        Ok(replicas) if (1..=most).contains(&replicas) => replicas,
        Ok(_) | Err(_) => {
            report
                .add(
                    Rule::BadReplicas,
                    &written.span,
                    format!("a stream cannot have {} replicas here", written.value.0),
                )
                .consequence(consequence)
                .cure(cure);
            1
        }
    }
}

/// How long a stream keeps a message.
pub(super) fn max_age(entry: Option<&Located<Timespan>>, report: &mut Report) -> Option<Duration> {
    values::duration(
        entry,
        "max_age",
        SERVER_MINIMUM,
        "the server would refuse the stream, or messages would expire unread",
        report,
    )
}

/// How long the server remembers message ids: as written, or the default as far as the age allows.
pub(super) fn duplicate_window(
    entry: Option<&Located<Timespan>>,
    age: Option<&Located<Timespan>>,
    report: &mut Report,
) -> Duration {
    let longest = age.map_or(Duration::MAX, |age| age.value.0);
    let consequence = "the server would refuse the stream";
    let Some(window) = values::duration(entry, "duplicate_window", SERVER_MINIMUM, consequence, report)
    else {
        return Stream::DUPLICATE_WINDOW.min(longest);
    };
    if let Some((written, age)) = entry.zip(age)
        && window > longest
    {
        report
            .add(Rule::DuplicateWindowTooLong, &written.span, "`duplicate_window` is longer than `max_age`")
            .consequence(
                "the server would refuse the stream: it cannot remember ids of messages it no longer has",
            )
            .cure(format!("write at most `duplicate_window = \"{}\"`", humantime::format_duration(longest)))
            .related(&age.span, "messages are gone after this");
    }
    window
}

fn is_external(table: &StreamTable) -> bool {
    table.external.as_ref().is_some_and(|external| external.value)
}

fn max_message_size(entry: Option<&Located<Size>>, report: &mut Report) -> Option<u32> {
    let largest = i32::MAX.unsigned_abs();
    let count = entry.map(|written| written.map(|size| Count(size.0)));
    values::limit(values::bytes(entry), "max_message_size", report)?;
    Some(values::count(count.as_ref(), "max_message_size", largest, largest, report))
}

fn check_discard(table: &StreamTable, report: &mut Report) {
    let Some(discard) = table.discard.as_ref().filter(|discard| discard.value == DiscardWord::Old) else {
        return;
    };
    report
        .add(Rule::DiscardOld, &discard.span, "`discard = \"old\"` throws away messages that nobody has handled")
        .consequence("when the stream is full, the oldest messages vanish without a trace, in no dead-letter stream either")
        .cure("remove the line: a full stream then refuses publishers, who see it and can wait");
}

fn warn_of_what_is_not_ours(name: &Located<String>, table: &StreamTable, report: &mut Report) {
    let keys = [
        ("retention", table.retention.as_ref().map(|entry| &entry.span)),
        ("storage", table.storage.as_ref().map(|entry| &entry.span)),
        ("max_bytes", table.max_bytes.as_ref().map(|entry| &entry.span)),
        ("max_age", table.max_age.as_ref().map(|entry| &entry.span)),
        ("max_messages", table.max_messages.as_ref().map(|entry| &entry.span)),
        ("max_message_size", table.max_message_size.as_ref().map(|entry| &entry.span)),
        ("replicas", table.replicas.as_ref().map(|entry| &entry.span)),
        ("duplicate_window", table.duplicate_window.as_ref().map(|entry| &entry.span)),
    ];
    for (key, span) in keys.into_iter().filter_map(|(key, span)| Some((key, span?))) {
        report
            .add(
                Rule::NotOurs,
                span,
                format!("`{key}` of the external stream `{}` has no effect", name.value),
            )
            .consequence(
                "the stream stays as its owner made it; only its existence and its subjects are checked",
            )
            .cure(format!(
                "remove `{key}`, or remove `external = true` to have the runtime create the stream"
            ));
    }
}
