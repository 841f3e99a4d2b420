//! The findings of the doctor. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use super::evidence::{Differences, Evidence};
use super::streams;
use crate::cli::status::Sharing;
use crate::nats::{ServerVitals, Share, Stranded, StreamVitals};

/// A clock that is off by more makes the times in dead letters and logs misleading. Nothing else depends on it.
const CLOCK: Duration = Duration::from_secs(1);

/// An answer that takes longer slows everything down: each message waits for several.
const SLOW: Duration = Duration::from_millis(50);

/// How much of a limit may be used before it is told.
pub(super) const NEARLY: u64 = 85;

/// How much of a limit is as good as all.
pub(super) const FULL: u64 = 95;

/// What was found out about one thing.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// What it is about.
    pub(super) about: &'static str,
    pub(super) what: String,
    pub(super) cure: Option<String>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Ok,
    Warning,
    Error,
}

impl Level {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// How bad it is that so much of a limit is used.
    pub(super) fn of(share: Share) -> Self {
        match share.percent() {
            Some(FULL..) => Self::Error,
            Some(NEARLY..) => Self::Warning,
            _ => Self::Ok,
        }
    }
}

impl Finding {
    pub(super) fn ok(about: &'static str, what: String) -> Self {
        Self { level: Level::Ok, about, what, cure: None }
    }

    pub(super) fn warning(about: &'static str, what: String, cure: impl Into<String>) -> Self {
        Self { level: Level::Warning, about, what, cure: Some(cure.into()) }
    }

    pub(super) fn error(about: &'static str, what: String, cure: impl Into<String>) -> Self {
        Self { level: Level::Error, about, what, cure: Some(cure.into()) }
    }
}

/// All findings, from the ground up.
pub(super) fn of(evidence: &Evidence) -> Vec<Finding> {
    let Evidence { server, streams, letters, drift, sharing, .. } = evidence;
    let mut findings = vec![connection(server)];
    findings.extend(clock(streams));
    findings.extend(limits(server));
    findings.extend(streams.iter().flat_map(streams::check));
    findings.extend(differences(drift));
    findings.extend(instances(sharing));
    findings.extend(streams.iter().filter(|stream| stream.name == *letters).map(streams::dead_letters));
    findings
}

fn connection(server: &ServerVitals) -> Finding {
    let ServerVitals { name, version, round_trip, .. } = server;
    let (about, milliseconds) = ("connection", round_trip.as_secs_f64() * 1e3);
    let what = format!("nats-server {version} `{name}`, jetstream answers within {milliseconds:.1} ms");
    match *round_trip > SLOW {
        true => Finding::warning(
            about,
            what,
            "run the topology nearer to the server, or give the server more room: each message waits for several answers",
        ),
        false => Finding::ok(about, what),
    }
}

/// By the stream whose answer tells most exactly.
fn clock(streams: &[StreamVitals]) -> Option<Finding> {
    let size = |clock: &Result<Duration, Duration>| clock.unwrap_or_else(|behind| behind);
    let clock = streams.iter().map(|stream| stream.clock).min_by_key(size)?;
    if size(&clock) <= CLOCK {
        return Some(Finding::ok("clock", "the server's clock and ours agree".to_owned()));
    }
    let (by, direction) = (size(&clock).as_secs_f64(), if clock.is_ok() { "ahead of" } else { "behind" });
    Some(Finding::warning(
        "clock",
        format!("the server's clock is {by:.0} s {direction} ours"),
        "synchronise the clocks (NTP): the times in dead letters and logs do not fit together; nothing else depends on it",
    ))
}

fn limits(server: &ServerVitals) -> Vec<Finding> {
    let shares = [
        ("disk", server.storage, "`max_storage` of the account or `max_file` of the server"),
        ("memory", server.memory, "`max_memory` of the account or of the server"),
        ("streams", server.streams, "`max_streams` of the account"),
        ("consumers", server.consumers, "`max_consumers` of the account"),
    ];
    let mut findings = Vec::new();
    for (of_what, share, limit) in shares {
        let (level, percent) = (Level::of(share), share.percent().unwrap_or_default());
        if level != Level::Ok {
            let what = format!("{percent} % of the {of_what} that jetstream may use are used");
            let cure = Some(format!("raise {limit}, or remove what is not needed"));
            findings.push(Finding { level, about: "jetstream", what, cure });
        }
    }
    if findings.is_empty() {
        let (streams, consumers) = (server.streams.used, server.consumers.used);
        let what = format!("{streams} streams, {consumers} consumers, no limit is near");
        findings.push(Finding::ok("jetstream", what));
    }
    findings
}

fn differences(drift: &Differences) -> Vec<Finding> {
    let Differences { missing, differing, orphans, stranded, warnings } = drift;
    let mut findings = Vec::new();
    for what in missing {
        let cure = "`tidegate apply` or `tidegate run` creates it; see also whether this is the right server";
        findings.push(Finding::error("topology", format!("{what} is missing"), cure));
    }
    for difference in differing {
        let cure = "`tidegate plan` tells what `tidegate apply` can do about it; `tidegate run` does not start before";
        findings.push(Finding::error("topology", difference.to_string(), cure));
    }
    for orphan in orphans {
        let what = format!("{orphan} is needed no more ({} messages)", orphan.messages);
        let cure = format!("`tidegate apply --delete {} --yes`", orphan.name);
        findings.push(Finding::warning("topology", what, cure));
    }
    for stranded in stranded {
        findings.push(match stranded {
            Stranded::Unwanted { stream, messages, subject } => Finding::ok(
                "topology",
                format!("{messages} messages in stream `{stream}` are of no actor, such as `{subject}`"),
            ),
            Stranded::Exhausted { consumer, advisories, .. } => Finding::warning(
                "topology",
                format!("{advisories} advisories about consumer `{consumer}` that nobody has looked at"),
                "`tidegate run` makes dead letters of what the server has given up",
            ),
        });
    }
    for warning in warnings {
        findings.push(Finding::warning("topology", warning.clone(), "see `tidegate plan`"));
    }
    if findings.iter().all(|finding| finding.level == Level::Ok) {
        findings.insert(0, Finding::ok("topology", "the server has what the topology needs".to_owned()));
    }
    findings
}

fn instances(sharing: &Sharing) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (shard, backlog) in &sharing.shards {
        if let Some(backlog) = backlog {
            let what = format!("{shard}: waiting {}, in flight {}", backlog.waiting, backlog.unsettled);
            findings.push(Finding::ok("consumer", what));
        }
    }
    let versions: BTreeSet<&str> = sharing.instances.iter().map(|(_, version)| version.as_str()).collect();
    if versions.len() > 1 {
        let versions = versions.into_iter().collect::<Vec<_>>().join(", ");
        let what = format!("instances of different versions: {versions}");
        findings.push(Finding::warning("instances", what, "finish the roll-out"));
    }
    // With nobody at work there is nothing that could be less wrong.
    let level = if sharing.is_working { Level::Warning } else { Level::Error };
    findings.extend(sharing.findings.iter().map(|finding| {
        let (what, cure) = match finding.rsplit_once("; ") {
            Some((what, cure)) => (what.to_owned(), Some(cure.to_owned())),
            None => (finding.clone(), None),
        };
        Finding { level, about: "instances", what, cure }
    }));
    if sharing.findings.is_empty() {
        let count = sharing.instances.len();
        findings
            .push(Finding::ok("instances", format!("{count} share the work, nothing is wrong with that")));
    }
    findings
}
