//! The streams that a topology owns, as we create them.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, SubjectTransform};
use tidegate::subject::Pattern;

use crate::nats::names;
use crate::topology::{Actor, ActorName, Origin, Retention, Storage, Stream, Topology};

/// How long the last word of an instance is kept: others have long stopped to count on it by then.
const MEMBER_AGE: Duration = Duration::from_mins(1);

/// How long the flow of a stream is kept, which says nothing after some seconds.
const FLOW_AGE: Duration = Duration::from_mins(1);

/// How long the attempts of a message are remembered after the last one.
const ATTEMPT_AGE: Duration = Duration::from_hours(24);

/// How long an advisory is kept.
const ADVISORY_AGE: Duration = Duration::from_hours(7 * 24);

/// The most bytes of advisories: some hundred thousand of them.
const ADVISORY_BYTES: i64 = 256 << 20;

/// What does not limit.
const UNLIMITED: i64 = -1;

/// A stream as it shall be.
#[derive(Debug)]
pub(super) struct StreamPlan {
    /// What we create if it is missing.
    pub(super) config: Config,
    /// How we look at it if it exists.
    pub(super) tolerance: Tolerance,
}

/// How much of an existing stream may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tolerance {
    /// Nothing that we set.
    Nothing,
    /// It may capture more; what is missing is added.
    MoreSubjects,
    /// All but what dead letters need: somebody chose the stream by name.
    FitForDeadLetters,
}

/// All streams that the topology owns; state is kept for the actors in `stateful`.
pub(super) fn plan(topology: &Topology, stateful: &BTreeSet<ActorName>) -> Vec<StreamPlan> {
    let owned = topology.streams.values().filter(|stream| stream.origin == Origin::Declared);
    let mut plans: Vec<StreamPlan> = owned.map(|stream| exactly(declared(topology, stream))).collect();
    if !topology.streams.contains_key(&topology.dead_letter_stream()) {
        let tolerance = match topology.dead_letters.stream {
            Some(_) => Tolerance::FitForDeadLetters,
            None => Tolerance::Nothing,
        };
        plans.push(StreamPlan { config: dead_letters(topology), tolerance });
    }
    if !topology.actors.is_empty() {
        plans.push(StreamPlan { config: advisories(topology), tolerance: Tolerance::MoreSubjects });
        plans.extend([members(topology), flows(topology), owners(topology), attempts(topology)].map(exactly));
    }
    let stateful = topology.actors.values().filter(|actor| stateful.contains(&actor.name));
    plans.extend(stateful.map(|actor| exactly(state(topology, actor))));
    plans
}

/// The names of those streams, with their replicas.
pub(in crate::nats) fn planned(topology: &Topology, stateful: &BTreeSet<ActorName>) -> Vec<(String, usize)> {
    let plans = plan(topology, stateful).into_iter();
    plans.map(|plan| (plan.config.name, plan.config.num_replicas)).collect()
}

fn exactly(config: Config) -> StreamPlan {
    StreamPlan { config, tolerance: Tolerance::Nothing }
}

fn declared(topology: &Topology, stream: &Stream) -> Config {
    Config {
        subjects: stream.subjects.iter().map(Pattern::filter).collect(),
        retention: match stream.retention {
            Retention::Limits => RetentionPolicy::Limits,
            Retention::WorkQueue => RetentionPolicy::WorkQueue,
            Retention::Interest => RetentionPolicy::Interest,
        },
        storage: match stream.storage {
            Storage::File => StorageType::File,
            Storage::Memory => StorageType::Memory,
        },
        max_bytes: limit(stream.max_bytes),
        max_messages: limit(stream.max_messages),
        max_message_size: stream.max_message_size.map_or(-1, |size| size.try_into().unwrap_or(i32::MAX)),
        max_age: stream.max_age.unwrap_or_default(),
        num_replicas: stream.replicas.into(),
        duplicate_window: stream.duplicate_window,
        subject_transform: subject_transform(stream),
        ..owned(topology, stream.name.to_string())
    }
}

fn dead_letters(topology: &Topology) -> Config {
    let settings = &topology.dead_letters;
    Config {
        description: Some(format!("messages that {} could not handle", topology.name)),
        subjects: vec![names::dead_letter_subjects(&topology.name)],
        max_bytes: limit(settings.max_bytes),
        max_messages: limit(settings.max_messages),
        max_age: settings.max_age.unwrap_or_default(),
        num_replicas: settings.replicas.into(),
        duplicate_window: settings.duplicate_window,
        ..owned(topology, names::dead_letter_stream(topology))
    }
}

/// Exactly the advisories about our own consumers: streams may not overlap, and topologies share an account.
///
/// The server does not wait for anybody when it tells, so a full stream can only lose: the oldest rather than the
/// latest. What was read stays for a while, so that a reader that was deleted can go on where it was.
fn advisories(topology: &Topology) -> Config {
    let shards =
        topology.actors.values().flat_map(|actor| (0..actor.shards).map(move |shard| (actor, shard)));
    let subjects = shards.flat_map(|(actor, shard)| {
        names::advisory_subjects(actor.stream.as_str(), &names::consumer(&topology.name, actor, shard))
    });
    Config {
        description: Some(format!("what the server tells about the consumers of {}", topology.name)),
        subjects: subjects.collect(),
        discard: DiscardPolicy::Old,
        max_bytes: ADVISORY_BYTES,
        max_age: ADVISORY_AGE,
        num_replicas: topology.dead_letters.replicas.into(),
        ..owned(topology, names::advisory_stream(&topology.name))
    }
}

/// As safe as the stream that the state is about.
fn state(topology: &Topology, actor: &Actor) -> Config {
    let replicas = topology.streams.get(&actor.stream).map_or(1, |stream| stream.replicas);
    Config {
        description: Some(format!("the state of the entities of {}", actor.name)),
        num_replicas: replicas.into(),
        ..bucket(topology, &names::state_bucket(&topology.name, &actor.name))
    }
}

fn members(topology: &Topology) -> Config {
    Config {
        description: Some(format!("what the instances of {} tell of themselves", topology.name)),
        max_age: MEMBER_AGE,
        num_replicas: topology.dead_letters.replicas.into(),
        ..bucket(topology, &names::members_bucket(&topology.name))
    }
}

/// One entry for each stream: what is known of it a moment later is in the next one.
pub(in crate::nats) fn flows(topology: &Topology) -> Config {
    Config {
        description: Some(format!("what the streams of {} can take", topology.name)),
        max_age: FLOW_AGE,
        num_replicas: topology.dead_letters.replicas.into(),
        ..bucket(topology, &names::flow_bucket(&topology.name))
    }
}

/// Kept for good: an owner finds its own record there, however long it has been one.
fn owners(topology: &Topology) -> Config {
    Config {
        description: Some(format!("who owned each shard of {} last", topology.name)),
        num_replicas: topology.dead_letters.replicas.into(),
        ..bucket(topology, &names::owners_bucket(&topology.name))
    }
}

fn attempts(topology: &Topology) -> Config {
    Config {
        description: Some(format!(
            "attempts of messages that {} was delivered more than once",
            topology.name
        )),
        max_age: ATTEMPT_AGE,
        num_replicas: topology.dead_letters.replicas.into(),
        ..bucket(topology, &names::attempts_bucket(&topology.name))
    }
}

/// The stream under a key-value bucket (ADR-8) without history.
fn bucket(topology: &Topology, bucket: &str) -> Config {
    Config {
        subjects: vec![names::bucket_subjects(bucket)],
        max_messages_per_subject: 1,
        allow_rollup: true,
        deny_delete: true,
        ..owned(topology, names::bucket_stream(bucket))
    }
}

/// How the server marks the messages of a stream with several shards.
pub(super) fn subject_transform(stream: &Stream) -> Option<SubjectTransform> {
    let token = stream.shard_token()?;
    Some(SubjectTransform { source: token.source(), destination: token.destination(stream.shards) })
}

/// What all our streams have in common: they refuse what is too much instead of forgetting what they have.
fn owned(topology: &Topology, name: String) -> Config {
    Config {
        name,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        max_bytes: UNLIMITED,
        max_messages: UNLIMITED,
        max_messages_per_subject: UNLIMITED,
        max_message_size: -1,
        allow_direct: true,
        metadata: HashMap::from([("tidegate.topology".to_owned(), topology.name.to_string())]),
        ..Config::default()
    }
}

fn limit(limit: Option<u64>) -> i64 {
    limit.map_or(UNLIMITED, |limit| limit.try_into().unwrap_or(i64::MAX))
}
