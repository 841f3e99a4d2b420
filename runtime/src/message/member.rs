//! An instance among those that share the work of a topology, as it describes itself to the others.

mod actor;
mod id;
mod report;

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

pub use self::actor::{ActorReport, HotReport, WaitReport};
pub use self::id::{InstanceId, InstanceIdError};
pub use self::report::{Fullest, IntakeStopped, ShardId, ShardReport, ShardState};
use super::{Alert, nanos, timestamp};

/// What an instance writes about itself into the bucket of members, several times within `failover`.
///
/// Unknown fields are ignored and unknown states read as `unknown`, so that versions can mix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Its id, which is also the entry's key.
    pub instance: InstanceId,
    /// The version of its runtime.
    pub version: String,
    /// What its topology comes to in all that matters between instances.
    pub fingerprint: String,
    /// The same for each part of the topology, so that it can be said which one differs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sections: BTreeMap<String, String>,
    /// The machine.
    pub host: String,
    /// Its process on that machine.
    pub pid: u32,
    /// When the process started.
    #[serde(with = "timestamp")]
    pub started: SystemTime,
    /// When it wrote this, by its own clock: what its other times are compared with, and nothing else.
    #[serde(with = "timestamp")]
    pub written: SystemTime,
    /// What it does.
    pub state: MemberState,
    /// Why it stands by.
    #[serde(default)]
    pub reason: Option<String>,
    /// The bucket's revision by which it began to work: of two with different topologies, the lower one stays. The
    /// entry's own revision where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<u64>,
    /// The shards that it has or wants.
    #[serde(default)]
    pub shards: Vec<ShardReport>,
    /// The alerts that it has raised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Alert>,
    /// What stands out in the actors whose shards it has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<ActorReport>,
}

/// What an instance tells of its work.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkReport {
    /// The shards that it has or wants.
    pub shards: Vec<ShardReport>,
    /// The alerts that it has raised.
    pub alerts: Vec<Alert>,
    /// What stands out in the actors whose shards it has.
    pub actors: Vec<ActorReport>,
}

/// One process of all that ever were, `{host}/{pid}/{start in milliseconds}`: an instance that is started again has its
/// old id, and is another process.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProcessId(String);

/// What an instance does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MemberState {
    /// It takes shards.
    Working,
    /// It finishes what it has, and takes nothing more.
    Leaving,
    /// It takes nothing, and waits until it may.
    Standby,
    /// Something that only a later version knows; it is given no shards.
    #[serde(other)]
    Unknown,
}

impl Member {
    /// Whether both were written by one process: an id alone can be given to two.
    pub fn is_same_process(&self, other: &Self) -> bool {
        self.process() == other.process()
    }

    /// Which process it is, of all that ever were; its start as it is written, in milliseconds.
    pub fn process(&self) -> ProcessId {
        ProcessId(format!("{}/{}/{}", self.host, self.pid, nanos(self.started) / 1_000_000))
    }

    /// The parts of the topology that differ from those of `other`.
    pub fn differing_sections(&self, other: &Self) -> Vec<String> {
        let names: std::collections::BTreeSet<&String> =
            self.sections.keys().chain(other.sections.keys()).collect();
        let differs = |name: &&&String| self.sections.get(**name) != other.sections.get(**name);
        names.iter().filter(differs).map(ToString::to_string).collect()
    }
}

impl MemberState {
    /// The state's name, as listings show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Leaving => "leaving",
            Self::Standby => "standby",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = r#"{"instance":"host-4711-a1b2","version":"0.1.0","fingerprint":"9f",
        "sections":{"actors.payments":"1a","streams.ORDERS":"2b"},
        "host":"host","pid":4711,"started":"2026-11-22T01:02:03.456Z","written":"2026-11-22T01:02:04.000Z",
        "state":"working","reason":null,
        "shards":[{"actor":"payments","shard":0,"state":"working","since":"2026-11-22T01:02:03.456Z",
        "in_flight":12,"running":3,"done":4711,"dead_letters":2,"last_progress":"2026-11-22T01:02:03.456Z"}]}"#;

    fn entry() -> Member {
        serde_json::from_str(ENTRY).expect("a valid entry")
    }

    #[test]
    fn comes_back_as_it_was_written() {
        let text = serde_json::to_string(&entry()).expect("an entry is JSON");

        assert_eq!(serde_json::from_str::<Member>(&text).expect("a valid entry"), entry());
    }

    #[test]
    fn what_a_later_version_writes_can_be_read() {
        let later = ENTRY
            .replace(r#""state":"working","since""#, r#""state":"thinking","mood":1,"since""#)
            .replace(r#""state":"working","reason""#, r#""state":"dreaming","colour":"red","reason""#);

        let member: Member = serde_json::from_str(&later).expect("a valid entry");

        assert_eq!(member.state, MemberState::Unknown);
        assert_eq!(member.shards[0].state, ShardState::Unknown);
        assert_eq!(member.shards[0].in_flight, 12);
    }

    #[test]
    fn an_id_does_not_make_it_the_same_process() {
        let restarted = Member { pid: 4712, ..entry() };

        assert!(entry().is_same_process(&Member { fingerprint: "other".to_owned(), ..entry() }));
        assert!(!entry().is_same_process(&restarted));
    }

    #[test]
    fn a_process_knows_its_own_entry_again() {
        let started = SystemTime::UNIX_EPOCH + std::time::Duration::from_nanos(1_763_000_000_123_456_789);
        let myself = Member { started, ..entry() };

        let text = serde_json::to_string(&myself).expect("an entry is JSON");
        let read: Member = serde_json::from_str(&text).expect("a valid entry");

        assert!(myself.is_same_process(&read));
    }

    #[test]
    fn names_the_sections_that_differ() {
        let mut other = entry();
        other.sections = [("actors.payments", "1a"), ("streams.ORDERS", "ff"), ("actors.stock", "3c")]
            .map(|(name, hash)| (name.to_owned(), hash.to_owned()))
            .into();

        assert_eq!(entry().differing_sections(&other), ["actors.stock", "streams.ORDERS"]);
        assert_eq!(entry().differing_sections(&entry()), [""; 0]);
    }
}
