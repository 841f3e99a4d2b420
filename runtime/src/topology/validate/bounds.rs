//! How much may wait, run and be in flight.

use super::{ActorDraft, StreamDraft, values};
use crate::topology::model::{Actor, Topology};
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::{ActorTable, Count, File, Located};

/// The bounds of an actor.
pub(super) struct Bounds {
    pub partitions: u32,
    pub mailbox: usize,
    pub concurrency: usize,
    pub window: usize,
}

pub(super) fn bounds(table: &ActorTable, report: &mut Report) -> Bounds {
    let partitions = values::positive(
        table.partitions.as_ref(),
        "partitions",
        Actor::PARTITIONS,
        Actor::MAX_PARTITIONS,
        report,
    );
    let concurrency = values::positive(
        table.concurrency.as_ref(),
        "concurrency",
        Actor::CONCURRENCY,
        Actor::MAX_WINDOW,
        report,
    );
    let lanes = partitions as usize;
    let mailbox = mailbox(table.mailbox.as_ref(), report);
    let window = window(table.window.as_ref(), report);
    check_room(table, lanes, mailbox, window, report);
    let mailbox = mailbox.unwrap_or_else(|| match window {
        Some(window) => (window / lanes).clamp(1, Actor::MAX_MAILBOX),
        None => (Actor::WINDOW / lanes)
            .clamp(Actor::LEAST_MAILBOX, Actor::MAX_MAILBOX)
            .min(Actor::MAX_WINDOW / lanes),
    });
    Bounds { partitions, mailbox, concurrency, window: window.unwrap_or(lanes * mailbox) }
}

/// The largest message the server takes unless it is configured otherwise.
const SERVER_MAX_PAYLOAD: u64 = 1 << 20;

/// A message that is larger than the whole budget could never be taken in.
pub(super) fn check_memory(
    file: &File,
    streams: &[StreamDraft<'_>],
    actors: &[ActorDraft<'_>],
    report: &mut Report,
) {
    let memory = file.memory.as_ref().map_or(Topology::MEMORY, |memory| memory.value.0);
    for stream in streams.iter().filter(|stream| stream.is_consumed(actors)) {
        let limit = stream.table.max_message_size.as_ref();
        let largest = limit.map_or(SERVER_MAX_PAYLOAD, |size| size.value.0);
        if memory >= largest {
            continue;
        }
        let written =
            limit.map_or_else(|| "\"1MiB\"".to_owned(), |limit| report.written(&limit.span).to_owned());
        let message =
            format!("`memory` has no room for the largest message of stream `{}`", stream.name.value);
        let span = file
            .memory
            .as_ref()
            .map(|memory| &memory.span)
            .or(limit.map(|limit| &limit.span))
            .unwrap_or(&stream.name.span);
        report
            .add(Rule::MemoryTooSmall, span, message)
            .consequence("such a message could never be taken in, and all behind it would wait for ever")
            .cure(format!("write at least `memory = {written}`, some more to handle messages in parallel"))
            .related(
                limit.map_or(&stream.name.span, |limit| &limit.span),
                format!("takes messages up to {written}"),
            );
    }
}

fn mailbox(entry: Option<&Located<Count>>, report: &mut Report) -> Option<usize> {
    let written = entry?;
    let most = Actor::MAX_MAILBOX;
    if written.value.0 <= most as u64 {
        return Some(values::positive(entry, "mailbox", Actor::LEAST_MAILBOX, most, report));
    }
    report
        .add(
            Rule::MailboxTooLong,
            &written.span,
            format!("`mailbox` is {}, more than {most}", written.value.0),
        )
        .consequence(
            "a flooded mailbox is emptied in one go: timeouts, heartbeats and stopping wait until it is",
        )
        .cure(format!(
            "write at most `mailbox = {most}`; for more throughput raise `partitions` and `window`"
        ));
    None
}

fn window(entry: Option<&Located<Count>>, report: &mut Report) -> Option<usize> {
    let written = entry?;
    let most = Actor::MAX_WINDOW;
    if written.value.0 <= most as u64 {
        return Some(values::positive(entry, "window", Actor::MAX_WINDOW, most, report));
    }
    too_large(written, written.value.0, report);
    None
}

fn check_room(
    table: &ActorTable,
    lanes: usize,
    mailbox: Option<usize>,
    window: Option<usize>,
    report: &mut Report,
) {
    let needed = lanes * mailbox.unwrap_or(1);
    match (window, table.window.as_ref(), table.mailbox.as_ref()) {
        (Some(window), Some(written), mailbox_entry) if window < needed => {
            let finding = report.add(
                Rule::WindowTooSmall,
                &written.span,
                format!("`window` is {window}, but {lanes} mailboxes hold {needed}"),
            );
            finding
                .consequence("credits run out before the mailboxes are full: one slow partition takes them all and the others starve")
                .cure(format!("write `window = {needed}` (partitions × mailbox), or make the mailboxes smaller"));
            if let Some(mailbox) = mailbox_entry {
                finding.related(&mailbox.span, "per partition");
            }
        }
        (None, None, Some(mailbox)) if needed > Actor::MAX_WINDOW => {
            too_large(mailbox, needed as u64, report);
        }
        _ => {}
    }
}

fn too_large<T>(written: &Located<T>, window: u64, report: &mut Report) {
    let most = Actor::MAX_WINDOW;
    report
        .add(Rule::WindowTooLarge, &written.span, format!("{window} messages in flight are more than {most}"))
        .consequence(
            "a crash would repeat that many, and the server slows down with every message it waits for",
        )
        .cure(format!("keep `window` (by default partitions × mailbox) at {most} or less"));
}
