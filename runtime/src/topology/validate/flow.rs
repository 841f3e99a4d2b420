//! Marks are in order and within reach, and a cycle has room to go round.

use std::collections::BTreeMap;
use std::time::Duration;

use super::values;
use crate::topology::finding::Finding;
use crate::topology::model::{Actor, FlowMarks, Marks, Origin, Stream};
use crate::topology::name::{ActorName, StreamName};
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::{Count, File, Located, MarksTable, Size, StreamTable, Timespan};

/// The shortest lag that is worth a mark: flows are reckoned ten times a second at most.
const MIN_LAG: Duration = Duration::from_millis(100);

/// The marks of a stream: those that it gives, or four fifths of its limits. An external one has limits that we do not
/// know here.
pub(super) fn marks(table: &StreamTable, origin: Origin, report: &mut Report) -> FlowMarks {
    let nothing = MarksTable::default();
    let no_limits = StreamTable::default();
    let limits = if origin == Origin::Declared { table } else { &no_limits };
    let flow = table.flow.as_ref();
    let high = flow.and_then(|flow| flow.high.as_ref()).unwrap_or(&nothing);
    let low = flow.and_then(|flow| flow.low.as_ref()).unwrap_or(&nothing);
    let max_messages = limits.max_messages.as_ref().map(count).filter(|limit| limit.value > 0);
    let max_bytes = limits.max_bytes.as_ref().map(size).filter(|limit| limit.value > 0);
    let max_age = limits.max_age.as_ref().map(span);
    let marks = FlowMarks {
        messages: {
            let mut mark = |entry: Option<&Located<Count>>| positive(entry.map(count), report);
            let (high, low) = (mark(high.messages.as_ref()), low.messages.as_ref().map(count));
            pair("messages", high, low, max_messages.as_ref().zip(Some("max_messages")), report)
        },
        bytes: {
            let mut mark = |entry: Option<&Located<Size>>| positive(entry.map(size), report);
            let (high, low) = (mark(high.bytes.as_ref()), low.bytes.as_ref().map(size));
            pair("bytes", high, low, max_bytes.as_ref().zip(Some("max_bytes")), report)
        },
        lag: {
            let consequence = "flows are not reckoned that often";
            values::duration(high.lag.as_ref(), "lag", MIN_LAG, consequence, report);
            let high = high.lag.as_ref().map(span).filter(|high| high.value >= MIN_LAG);
            pair("lag", high, low.lag.as_ref().map(span), max_age.as_ref().zip(Some("max_age")), report)
        },
    };
    if marks != FlowMarks::default() {
        return marks;
    }
    FlowMarks::of_limits(max_messages.map(|limit| limit.value), max_bytes.map(|limit| limit.value))
}

/// A value that marks are made of.
trait Marked: Copy + PartialOrd {
    fn half(self) -> Self;
    fn shown(self) -> String;
}

impl Marked for u64 {
    fn half(self) -> Self {
        self / 2
    }

    fn shown(self) -> String {
        self.to_string()
    }
}

impl Marked for Duration {
    fn half(self) -> Self {
        self / 2
    }

    fn shown(self) -> String {
        humantime::format_duration(self).to_string()
    }
}

fn pair<T: Marked>(
    key: &str,
    high: Option<Located<T>>,
    low: Option<Located<T>>,
    limit: Option<(&Located<T>, &str)>,
    report: &mut Report,
) -> Option<Marks<T>> {
    let Some(high) = high else {
        if let Some(low) = low {
            out_of_order(&low, format!("`low` gives `{key}`, but `high` does not"), report)
                .cure(format!("give `high` a `{key}` above it, or leave it out"));
        }
        return None;
    };
    if let Some((limit, limit_key)) = limit.filter(|(limit, _)| high.value >= limit.value) {
        let message = format!("`high` is not below `{limit_key}`");
        out_of_order(&high, message, report)
            .cure(format!("write less than {}, with room for what is on its way", limit.value.shown()))
            .related(&limit.span, "more than this the stream does not hold");
    }
    let Some(low) = low else { return Some(Marks { low: high.value.half(), high: high.value }) };
    if low.value >= high.value {
        out_of_order(&low, format!("`low` is not below `high` for `{key}`"), report)
            .cure(format!("write less than {}; half of it is the default", high.value.shown()))
            .related(&high.span, "the high mark");
        return None;
    }
    Some(Marks { low: low.value, high: high.value })
}

fn out_of_order<'r, T>(mark: &Located<T>, message: String, report: &'r mut Report) -> &'r mut Finding {
    report.add(Rule::FlowMarks, &mark.span, message).consequence(
        "the stream would not stop its publishers where it is meant to, or not let them go on again",
    )
}

fn positive(mark: Option<Located<u64>>, report: &mut Report) -> Option<Located<u64>> {
    let mark = mark?;
    if mark.value > 0 {
        return Some(mark);
    }
    report
        .add(Rule::ZeroBound, &mark.span, "a high mark is 0")
        .consequence("the stream would be stopped for good, with nothing in it")
        .cure("write a mark, or leave it out");
    None
}

fn count(written: &Located<Count>) -> Located<u64> {
    written.map(|count| count.0)
}

fn size(written: &Located<Size>) -> Located<u64> {
    written.map(|size| size.0)
}

fn span(written: &Located<Timespan>) -> Located<Duration> {
    written.map(|span| span.0)
}

/// Actors of a cycle do not wait for each other's marks, so what they have in flight needs room above them.
pub(super) fn warn_of_cycles(
    file: &File,
    streams: &BTreeMap<StreamName, Stream>,
    actors: &BTreeMap<ActorName, Actor>,
    report: &mut Report,
) {
    for (written, table) in &file.streams {
        let Some(stream) = streams.get(written.value.as_str()) else { continue };
        let marks = stream.flow.messages.zip(stream.max_messages).zip(table.max_messages.as_ref());
        let Some(((Marks { high, .. }, limit), limit_written)) = marks else { continue };
        let goes_round =
            |actor: &&Actor| actor.outputs.contains(&stream.name) && !actor.gates.contains(&stream.name);
        let emitters: Vec<&Actor> = actors.values().filter(goes_round).collect();
        let needed: u64 = emitters.iter().map(|actor| actor.window as u64 * u64::from(actor.shards)).sum();
        let room = limit.saturating_sub(high);
        if room >= needed {
            continue;
        }
        let names: Vec<String> = emitters.iter().map(|actor| format!("`{}`", actor.name)).collect();
        let message = format!(
            "`{}` is on a cycle and takes {room} messages above its high mark, but {} may have {needed} in flight",
            stream.name,
            names.join(", ")
        );
        report
            .add(Rule::CycleHeadroom, &limit_written.span, message)
            .consequence(
                "when all streams of the cycle are full, each of its actors waits for room that only another could make",
            )
            .cure(format!(
                "write at least `max_messages = {}`, lower the high mark, or make the windows smaller",
                if table.flow.is_some() { high + needed } else { needed * 5 }
            ));
    }
}
