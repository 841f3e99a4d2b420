//! What streams keep and for how long fits what actors do with them.

use super::{ActorDraft, StreamDraft};
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::RetentionWord;

pub(super) fn check(streams: &[StreamDraft<'_>], actors: &[ActorDraft<'_>], report: &mut Report) {
    for stream in streams.iter().filter(|stream| !stream.is_external()) {
        if stream.is_complete(report) {
            check_bounded(stream, actors, report);
            warn_if_it_never_clears(stream, report);
        }
        if stream.has_retention(RetentionWord::WorkQueue) {
            check_sharing(stream, actors, report);
            warn_of_outputs(stream, actors, report);
        }
    }
}

fn check_bounded(stream: &StreamDraft<'_>, actors: &[ActorDraft<'_>], report: &mut Report) {
    let is_bounded = stream.table.max_bytes.is_some() || stream.table.max_messages.is_some();
    if is_bounded || !stream.is_consumed(actors) {
        return;
    }
    report
        .add(Rule::Unbounded, &stream.name.span, format!("stream `{}` has no bound", stream.name.value))
        .consequence("when its actors fall behind it fills the server's disk, and all streams stop with it")
        .cure("add `max_bytes = \"2GiB\"` or `max_messages`; a full stream refuses publishers, who see it and can wait");
}

fn warn_if_it_never_clears(stream: &StreamDraft<'_>, report: &mut Report) {
    if stream.table.max_age.is_some() || !stream.has_retention(RetentionWord::Limits) {
        return;
    }
    let bytes = stream.table.max_bytes.as_ref().map(|entry| &entry.span);
    let messages = stream.table.max_messages.as_ref().map(|entry| &entry.span);
    let Some(limit) = bytes.or(messages) else { return };
    report
        .add(Rule::NeverClears, limit, format!("stream `{}` has a limit but no `max_age`", stream.name.value))
        .consequence("handled messages stay, too: once it is full, publishers are refused for ever")
        .cure("add `max_age = \"7d\"`, or `retention = \"workqueue\"` to drop what is handled");
}

/// On a work queue every message has one consumer.
fn check_sharing(stream: &StreamDraft<'_>, actors: &[ActorDraft<'_>], report: &mut Report) {
    let consumers: Vec<&ActorDraft<'_>> = actors.iter().filter(|actor| actor.consumes(stream)).collect();
    for (position, actor) in consumers.iter().enumerate() {
        for subject in actor.subjects.iter().flatten() {
            let others = consumers[..position].iter().flat_map(|other| other.subjects.iter().flatten());
            for other in others.filter(|other| other.value.overlaps(&subject.value)) {
                let message = format!(
                    "two actors consume `{}` of the work queue `{}`",
                    subject.value, stream.name.value
                );
                report
                    .add(Rule::WorkQueueShared, &subject.span, message)
                    .consequence("the server refuses the second consumer: a message of a work queue has one")
                    .cure("use `retention = \"limits\"` or `\"interest\"`, or give each actor subjects of its own")
                    .related(&other.span, "consumed here, too");
            }
        }
    }
}

fn warn_of_outputs(stream: &StreamDraft<'_>, actors: &[ActorDraft<'_>], report: &mut Report) {
    let emits = actors.iter().flat_map(|actor| &actor.emits);
    for emit in emits.filter(|emit| stream.captures(&emit.subject.value)) {
        let message = format!("port `{}` emits into the work queue `{}`", emit.port.value, stream.name.value);
        report
            .add(Rule::WorkQueueOutput, &emit.subject.span, message)
            .consequence("a restarted server forgets the ids of messages that were removed, so a repeated emit is stored twice")
            .cure("use `retention = \"limits\"` for streams that actors emit into");
    }
}
