//! The picture for people.

use std::fmt::Write;

use super::age;
use super::picture::{Picture, Shard};
use super::stream::Stream;
use crate::cli::table::{Table, shown};

/// What stands where nothing is known.
const NOTHING: &str = "-";

/// How many entities of each kind are shown of an actor.
const TOLD: usize = 3;

/// The tables and the findings.
pub(super) fn render(picture: &Picture) -> String {
    let mut text = String::new();
    if !picture.instances.is_empty() {
        text.push_str(&instances(picture).render());
        text.push('\n');
    }
    if !picture.shards.is_empty() {
        text.push_str(&shards(picture).render());
        text.push('\n');
    }
    if picture.actors.iter().any(|actor| !actor.hot.is_empty() || !actor.waiting.is_empty()) {
        text.push_str(&entities(picture).render());
        text.push('\n');
    }
    if !picture.streams.is_empty() {
        text.push_str(&streams(picture).render());
        text.push('\n');
    }
    match picture.findings.as_slice() {
        [] => text.push_str("nothing is wrong\n"),
        findings => {
            text.push_str("Findings\n");
            for finding in findings {
                writeln!(text, "  - {}", shown(finding).replace('\n', " "))
                    .expect("a string takes all that is written to it");
            }
        }
    }
    text
}

fn instances(picture: &Picture) -> Table<7> {
    let mut table = Table::new(["INSTANCE", "HOST", "PID", "VERSION", "STATE", "UP", "SEEN"]);
    for instance in &picture.instances {
        table.add([
            &instance.id,
            &instance.host,
            &instance.pid.to_string(),
            &instance.version,
            if instance.is_silent { "silent" } else { instance.state },
            &age::shown(instance.up),
            &format!("{} ago", age::shown(instance.seen)),
        ]);
    }
    table
}

fn shards(picture: &Picture) -> Table<10> {
    let mut table = Table::new([
        "ACTOR",
        "SHARD",
        "STREAM",
        "OWNER",
        "STATE",
        "SINCE",
        "WAITING",
        "IN FLIGHT",
        "RUNNING",
        "PROGRESS",
    ]);
    for shard in &picture.shards {
        let owner = shard.owner.as_ref();
        let of_owner =
            |shown: &dyn Fn(&super::picture::Owner) -> String| owner.map_or(NOTHING.to_owned(), shown);
        table.add([
            &shard.id.actor,
            &shard.id.shard.to_string(),
            &shard.stream,
            &of_owner(&|owner| owner.instance.clone()),
            state(shard),
            &of_owner(&|owner| age::shown(owner.since)),
            &count(shard.waiting),
            &count(shard.unsettled),
            &of_owner(&|owner| owner.running.to_string()),
            &of_owner(&|owner| format!("{} ago", age::shown(owner.progress))),
        ]);
    }
    table
}

/// Those that are hot or wait.
fn entities(picture: &Picture) -> Table<6> {
    let mut table = Table::new(["ACTOR", "ENTITY", "INSTANCE", "IS", "SINCE", "WHY"]);
    for actor in &picture.actors {
        for hot in actor.hot.iter().take(TOLD) {
            table.add([&actor.name, &hot.key, &hot.instance, "hot", NOTHING, &hot.told()]);
        }
        for wait in actor.waiting.iter().take(TOLD) {
            let since = age::shown(wait.waited);
            table.add([&actor.name, &wait.key, &wait.instance, &wait.what, &since, &wait.told()]);
        }
    }
    table
}

fn streams(picture: &Picture) -> Table<7> {
    let mut table = Table::new(["STREAM", "FLOW", "SINCE", "MAY STORE", "STORED", "DONE", "WHY"]);
    for stream in &picture.streams {
        table.add([
            &stream.name,
            stream.state,
            &age::shown(stream.since),
            &match (stream.state, stream.rate) {
                ("slow", Some(rate)) => Stream::shown(rate),
                ("stop", _) => "nothing".to_owned(),
                _ => NOTHING.to_owned(),
            },
            &Stream::shown(stream.stored),
            &Stream::shown(stream.done),
            stream.why.as_deref().unwrap_or(NOTHING),
        ]);
    }
    table
}

fn state(shard: &Shard) -> &'static str {
    match &shard.owner {
        Some(owner) if owner.is_silent => "silent",
        Some(owner) => owner.state,
        None if shard.successors.is_empty() => NOTHING,
        None => "waiting",
    }
}

fn count(number: Option<u64>) -> String {
    number.map_or(NOTHING.to_owned(), |number| number.to_string())
}
