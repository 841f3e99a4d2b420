//! What the doctor finds out about streams. Pure.

use super::checkup::{Finding, Level};
use crate::nats::{Share, StreamVitals};

/// All about one stream.
pub(super) fn check(stream: &StreamVitals) -> Vec<Finding> {
    let name = &stream.name;
    let mut findings: Vec<Finding> =
        [full(name, "messages", stream.messages), full(name, "bytes", stream.bytes)]
            .into_iter()
            .flatten()
            .collect();
    if !stream.is_led {
        findings.push(Finding::error(
            "stream",
            format!("stream `{name}` has no leader: nothing is stored and nothing is delivered"),
            "bring back the servers that have its copies",
        ));
    }
    match &stream.late {
        Some(late) if !late.is_empty() => findings.push(Finding::warning(
            "stream",
            format!("copies of stream `{name}` are late or away: {}", late.join(", ")),
            "see whether these servers run; one more loss may stop the stream",
        )),
        Some(_) if stream.replicas < 2 => findings.push(Finding::warning(
            "stream",
            format!("stream `{name}` is on one server of a cluster only, and stops with it"),
            "set `replicas = 3` in the topology, then `tidegate apply`",
        )),
        _ => {}
    }
    if stream.discards_old {
        findings.push(Finding::warning(
            "stream",
            format!("stream `{name}` forgets its oldest messages when it is full, handled or not"),
            "`nats stream edit --discard new`",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            "stream",
            format!("stream `{name}`: {} messages{}", stream.messages.used, room(stream)),
        ));
    }
    findings
}

/// How many dead letters there are.
pub(super) fn dead_letters(stream: &StreamVitals) -> Finding {
    match stream.messages.used {
        0 => Finding::ok("dead letters", "none".to_owned()),
        count => Finding::warning(
            "dead letters",
            format!("{count} held"),
            "`tidegate dead-letters groups` tells why; then `replay` or `purge` them",
        ),
    }
}

fn full(stream: &str, of_what: &str, share: Share) -> Option<Finding> {
    let level = Level::of(share);
    let percent = share.percent()?;
    (level != Level::Ok).then(|| Finding {
        level,
        about: "stream",
        what: format!(
            "stream `{stream}` is full to {percent} % of its {of_what}; full, it refuses publishers"
        ),
        cure: Some(
            "see `tidegate status` for the actor that is behind; raise the limit, or shorten `max_age`"
                .to_owned(),
        ),
    })
}

fn room(stream: &StreamVitals) -> String {
    let percents = [stream.messages.percent(), stream.bytes.percent()];
    percents.into_iter().flatten().max().map(|percent| format!(", full to {percent} %")).unwrap_or_default()
}
