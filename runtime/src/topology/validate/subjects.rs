//! Every subject belongs to one stream, and actors consume only what their stream captures.

use tidegate::subject::Pattern;

use super::{ActorDraft, StreamDraft};
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::Located;

pub(super) fn check(streams: &[StreamDraft<'_>], actors: &[ActorDraft<'_>], report: &mut Report) {
    check_streams(streams, report);
    for actor in actors {
        check_inputs(actor, report);
        if let Some(stream) = streams.iter().find(|stream| actor.consumes(stream)) {
            check_captured(actor, stream, streams, report);
        }
    }
}

impl StreamDraft<'_> {
    /// Whether one of its subjects captures all that `subject` stands for.
    pub(super) fn captures(&self, subject: &Pattern) -> bool {
        self.subjects.iter().flatten().any(|own| own.value.captures(subject))
    }
}

fn check_streams(streams: &[StreamDraft<'_>], report: &mut Report) {
    let all: Vec<(&StreamDraft<'_>, &Located<Pattern>)> = streams
        .iter()
        .flat_map(|stream| stream.subjects.iter().flatten().map(move |subject| (stream, subject)))
        .collect();
    for (position, (stream, subject)) in all.iter().enumerate() {
        for (other, other_subject) in &all[..position] {
            if !subject.value.overlaps(&other_subject.value) {
                continue;
            }
            let (later, earlier) = if subject.span.start > other_subject.span.start {
                (subject, other_subject)
            } else {
                (other_subject, subject)
            };
            let message = if stream.name == other.name {
                format!(
                    "subjects `{}` and `{}` of stream `{}` overlap",
                    earlier.value, later.value, stream.name.value
                )
            } else {
                format!("subject `{}` overlaps `{}` of another stream", later.value, earlier.value)
            };
            report
                .add(Rule::OverlappingStreams, &later.span, message)
                .consequence("the server refuses the stream: a message would be stored twice")
                .cure("narrow one of them, so that every subject belongs to one stream")
                .related(&earlier.span, "overlaps with this");
        }
    }
}

fn check_inputs(actor: &ActorDraft<'_>, report: &mut Report) {
    let subjects = actor.subjects.as_deref().unwrap_or_default();
    for (position, subject) in subjects.iter().enumerate() {
        for other in subjects[..position].iter().filter(|other| other.value.overlaps(&subject.value)) {
            let message = format!(
                "subjects `{}` and `{}` of actor `{}` overlap",
                other.value, subject.value, actor.name.value
            );
            report
                .add(Rule::OverlappingInputs, &subject.span, message)
                .consequence("the server refuses the consumer: its filters may not overlap")
                .cure("keep the wider one, or narrow it")
                .related(&other.span, "overlaps with this");
        }
    }
}

fn check_captured(
    actor: &ActorDraft<'_>,
    stream: &StreamDraft<'_>,
    streams: &[StreamDraft<'_>],
    report: &mut Report,
) {
    let Some(captured) = &stream.subjects else { return };
    for subject in actor.subjects.iter().flatten().filter(|subject| !stream.captures(&subject.value)) {
        let cure = match streams.iter().find(|other| other.captures(&subject.value)) {
            Some(other) => format!("consume stream `{}`, which captures it", other.name.value),
            None => {
                format!("correct the subject, or add it to the subjects of stream `{}`", stream.name.value)
            }
        };
        let finding = report.add(
            Rule::NotCaptured,
            &subject.span,
            format!("stream `{}` does not capture all of `{}`", stream.name.value, subject.value),
        );
        finding
            .consequence(format!("actor `{}` would wait for messages that never come", actor.name.value))
            .cure(cure);
        for own in captured {
            finding.related(&own.span, "the stream captures this");
        }
    }
}
