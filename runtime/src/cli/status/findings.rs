//! What is wrong with how the work is shared, and what to do about it.

use std::collections::{BTreeMap, BTreeSet};

use super::age;
use super::picture::{Instance, Picture, Shard, Stopped};
use super::stream::Stream;
use crate::message::{ControlState, MemberState, ShardState};
use crate::nats::MemberEntry;

/// All findings, the weightiest first.
pub(super) fn all(picture: &Picture) -> Vec<String> {
    let mut findings = Vec::new();
    let is_working = picture.instances.iter().any(|instance| !instance.is_silent);
    if !is_working {
        findings.push(format!(
            "no instance runs `{}`: messages wait in their streams; `tidegate run` starts one",
            picture.topology
        ));
    }
    findings.extend(picture.controls.iter().map(stopped));
    findings.extend(picture.instances.iter().flat_map(alerts));
    findings.extend(picture.instances.iter().filter_map(silent));
    findings.extend(picture.instances.iter().filter_map(standing_by));
    findings.extend(picture.instances.iter().flat_map(failed));
    findings.extend(different_topologies(&picture.instances));
    findings.extend(picture.shards.iter().filter_map(|shard| claimed_twice(shard, &picture.instances)));
    findings.extend(picture.shards.iter().filter_map(without_consumer));
    if is_working {
        findings.extend(picture.shards.iter().filter_map(without_owner));
        findings.extend(picture.streams.iter().filter_map(Stream::finding));
        findings.extend(gated(&picture.shards));
    }
    findings
        .extend(picture.instances.iter().filter_map(|instance| unknown_shards(instance, &picture.shards)));
    findings
}

/// The alerts that an instance has raised.
fn alerts(instance: &Instance) -> impl Iterator<Item = String> {
    let alerts = instance.member.alerts.iter().filter(|_| !instance.is_silent);
    alerts.map(|alert| format!("actor `{}`: {} (alert of `{}`)", alert.actor, alert.text, instance.id))
}

/// An actor that does not work as it would.
fn stopped(stopped: &Stopped) -> String {
    let Stopped { actor, state, since, why, by } = stopped;
    let does = match state {
        ControlState::Draining => "drains: it takes nothing in",
        ControlState::Probing => "has paused at its dead-letter limit, and probes with one message at a time",
        _ => "is paused",
    };
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    let ago = age::shown(*since);
    format!(
        "actor `{actor}` {does}, for {ago}, by `{by}`{why}; `tidegate actors resume {actor}` lets it go on"
    )
}

/// Actors that take nothing in, each once.
fn gated(shards: &[Shard]) -> BTreeSet<String> {
    let gated = |shard: &Shard| {
        let by = shard.owner.as_ref()?.intake_stopped_by.as_ref()?;
        Some(format!(
            "actor `{}` takes nothing in: its output `{by}` is past its mark, so the cause is further down the line",
            shard.id.actor
        ))
    };
    shards.iter().filter_map(gated).collect()
}

/// Entries that cannot be read: no instance of ours wrote them.
pub(super) fn unreadable(entries: &[MemberEntry]) -> Vec<String> {
    let entries = entries.iter().filter(|entry| entry.value.is_some() && entry.member().is_none());
    entries
        .map(|entry| format!("the entry `{}` in the bucket of members cannot be read", entry.key))
        .collect()
}

fn silent(instance: &Instance) -> Option<String> {
    let ago = age::shown(instance.seen);
    let finding = format!(
        "`{}` was last heard {ago} ago and has not left: it died, hangs, or is cut off from NATS",
        instance.id
    );
    instance.is_silent.then_some(finding)
}

fn standing_by(instance: &Instance) -> Option<String> {
    let reason = instance.reason.as_ref().filter(|_| !instance.is_silent)?;
    Some(format!("`{}` stands by: {reason}", instance.id))
}

fn failed(instance: &Instance) -> impl Iterator<Item = String> {
    let reports = instance.member.shards.iter().filter(|_| !instance.is_silent);
    reports.filter(|report| report.state == ShardState::Failed).map(|report| {
        format!(
            "`{}` has failed at shard {}: its partitions died too often, see `partition died` in its log; it takes the \
             shard again after a restart",
            instance.id, report.id
        )
    })
}

fn different_topologies(instances: &[Instance]) -> Option<String> {
    let mut topologies: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for instance in instances.iter().filter(|one| !one.is_silent && one.member.state == MemberState::Working)
    {
        topologies.entry(&instance.fingerprint).or_default().push(&instance.id);
    }
    let groups: Vec<String> = topologies.values().map(|group| listed(group)).collect();
    (groups.len() > 1).then(|| {
        format!(
            "instances with different topologies work at once: {}; drain all but one of these groups",
            groups.join(" against ")
        )
    })
}

fn claimed_twice(shard: &Shard, instances: &[Instance]) -> Option<String> {
    let owns = |instance: &&Instance| {
        !instance.is_silent && instance.report(&shard.id).is_some_and(|report| report.state.is_owner())
    };
    let owners: Vec<&str> = instances.iter().filter(owns).map(|instance| instance.id.as_str()).collect();
    (owners.len() > 1).then(|| {
        format!(
            "{} say that they have shard {}; only one of them can pull, so this passes when it changes hands",
            listed(&owners),
            shard.id
        )
    })
}

fn without_consumer(shard: &Shard) -> Option<String> {
    let finding =
        format!("shard {} has no consumer on stream `{}`; `tidegate run` creates it", shard.id, shard.stream);
    shard.waiting.is_none().then_some(finding)
}

fn without_owner(shard: &Shard) -> Option<String> {
    let next = match shard.successors.as_slice() {
        [] => "nobody waits for it".to_owned(),
        successors => {
            let names: Vec<&str> = successors.iter().map(String::as_str).collect();
            format!("{} waits for it", listed(&names))
        }
    };
    match &shard.owner {
        None if shard.waiting.is_none() => None,
        // The server lets nobody pull before there is something to deliver.
        None if shard.is_idle() && !shard.successors.is_empty() => None,
        None => Some(format!("shard {} has no owner; {next}", shard.id)),
        Some(owner) if owner.is_silent => {
            Some(format!("shard {} was last had by `{}`, which is silent; {next}", shard.id, owner.instance))
        }
        Some(_) => None,
    }
}

fn unknown_shards(instance: &Instance, shards: &[Shard]) -> Option<String> {
    let known: BTreeSet<_> = shards.iter().map(|shard| &shard.id).collect();
    let unknown: Vec<String> = instance
        .member
        .shards
        .iter()
        .filter(|report| !known.contains(&report.id))
        .map(|report| report.id.to_string())
        .collect();
    (!unknown.is_empty()).then(|| {
        format!(
            "`{}` has shards that this topology does not have: {}; it runs another one",
            instance.id,
            unknown.join(", ")
        )
    })
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
