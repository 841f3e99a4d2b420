//! The bucket of members, in JetStream and in memory: both adapters of the port keep the same promises.

use std::collections::BTreeMap;
use std::time::SystemTime;

use async_nats::jetstream::{self, kv};
use support::NatsServer;
use tidegate_runtime::memory::MemoryMembers;
use tidegate_runtime::message::{InstanceId, Member, MemberState};
use tidegate_runtime::nats::NatsMembers;
use tidegate_runtime::port::{Members, MembersError, Revision, Sighting};

use crate::ports::connected;

pub(crate) const BUCKET: &str = "fixture-members";

/// The bucket as provisioning makes it.
pub(crate) async fn make_bucket(jetstream: &jetstream::Context) -> kv::Store {
    let config = kv::Config { bucket: BUCKET.to_owned(), history: 1, ..kv::Config::default() };
    jetstream.create_key_value(config).await.expect("the bucket is valid")
}

/// An entry of an instance that works.
pub(crate) fn member(name: &str) -> Member {
    let started = SystemTime::UNIX_EPOCH;
    Member {
        instance: id(name),
        version: "1.2.3".to_owned(),
        fingerprint: "9f".to_owned(),
        sections: BTreeMap::new(),
        host: "host".to_owned(),
        pid: 4711,
        started,
        written: started,
        state: MemberState::Working,
        reason: None,
        claim: None,
        shards: Vec::new(),
        alerts: Vec::new(),
        actors: Vec::new(),
    }
}

fn id(name: &str) -> InstanceId {
    name.parse().expect("a valid id")
}

async fn in_jetstream(server: &NatsServer) -> NatsMembers {
    make_bucket(&server.jetstream().await).await;
    NatsMembers::new(connected(server).await, BUCKET.to_owned())
}

/// What the bucket says, in the order of the ids.
async fn roll_call(members: &mut impl Members) -> Vec<Sighting> {
    let mut sightings = members.roll_call().await.expect("the bucket answers");
    sightings.sort_by(|one, other| one.instance.cmp(&other.instance));
    sightings
}

fn sighting(member: &Member, revision: Revision) -> Sighting {
    Sighting { instance: member.instance.clone(), revision, member: Some(member.clone()) }
}

async fn tells_all_that_was_announced_last(mut members: impl Members) {
    let (a, b) = (member("a"), member("b"));
    let later = Member { state: MemberState::Leaving, ..a.clone() };

    assert_eq!(roll_call(&mut members).await, []);
    let first = members.announce(&a, None).await.expect("the first entry");
    let other = members.announce(&b, None).await.expect("the other's entry");
    let second = members.announce(&later, Some(first)).await.expect("the entry again");

    assert!(first < other && other < second);
    assert_eq!(roll_call(&mut members).await, [sighting(&later, second), sighting(&b, other)]);
}

async fn knows_whose_entry_it_replaces(mut members: impl Members) {
    let a = member("a");
    let first = members.announce(&a, None).await.expect("the first entry");
    let second = members.announce(&a, Some(first)).await.expect("the entry again");

    for replaced in [None, Some(first), Some(Revision(99))] {
        assert_eq!(members.announce(&a, replaced).await, Err(MembersError::Conflict), "{replaced:?}");
    }
    assert_eq!(members.announce(&member("b"), Some(second)).await, Err(MembersError::Conflict));
    assert_eq!(members.leave(&a.instance, first).await, Err(MembersError::Conflict));
    assert_eq!(roll_call(&mut members).await, [sighting(&a, second)]);
}

async fn an_entry_that_left_is_seen_as_such_and_can_be_written_again(mut members: impl Members) {
    let a = member("a");
    let first = members.announce(&a, None).await.expect("the first entry");

    members.leave(&a.instance, first).await.expect("it was ours");
    let left = roll_call(&mut members).await.remove(0);
    let back = members.announce(&a, Some(left.revision)).await.expect("the entry again");

    assert_eq!(left, Sighting { revision: left.revision, instance: id("a"), member: None });
    assert!(first < left.revision && left.revision < back);
    assert_eq!(roll_call(&mut members).await, [sighting(&a, back)]);
}

#[tokio::test]
async fn memory_keeps_the_promises() {
    tells_all_that_was_announced_last(MemoryMembers::default()).await;
    knows_whose_entry_it_replaces(MemoryMembers::default()).await;
    an_entry_that_left_is_seen_as_such_and_can_be_written_again(MemoryMembers::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jetstream_tells_all_that_was_announced_last() {
    let server = NatsServer::start().await;
    tells_all_that_was_announced_last(in_jetstream(&server).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jetstream_knows_whose_entry_it_replaces() {
    let server = NatsServer::start().await;
    knows_whose_entry_it_replaces(in_jetstream(&server).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_jetstream_an_entry_that_left_is_seen_as_such() {
    let server = NatsServer::start().await;
    an_entry_that_left_is_seen_as_such_and_can_be_written_again(in_jetstream(&server).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_made_again_forgets_everyone() {
    let server = NatsServer::start().await;
    let mut members = in_jetstream(&server).await;
    let (a, jetstream) = (member("a"), server.jetstream().await);
    let first = members.announce(&a, None).await.expect("the first entry");
    let entry = members.announce(&a, Some(first)).await.expect("the entry again");

    jetstream.delete_key_value(BUCKET).await.expect("the bucket was there");
    let (written, read) = (members.announce(&a, Some(entry)).await, members.roll_call().await);
    make_bucket(&jetstream).await;
    let stale = members.announce(&a, Some(entry)).await;

    assert_eq!(written, Err(MembersError::Missing(BUCKET.to_owned())));
    assert_eq!(read, Err(MembersError::Missing(BUCKET.to_owned())));
    assert_eq!(stale, Err(MembersError::Conflict));
    assert_eq!(members.announce(&a, None).await, Ok(Revision(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_into_the_bucket_is_no_member() {
    let server = NatsServer::start().await;
    let mut members = in_jetstream(&server).await;
    let bucket = server.jetstream().await.get_key_value(BUCKET).await.expect("the bucket exists");
    let a = serde_json::to_vec(&member("a")).expect("JSON");

    for (key, value) in [("b", a.as_slice()), ("c", b"{"), ("d.e", &a), ("a", &a)] {
        bucket.put(key, value.to_vec().into()).await.expect("the bucket takes it");
    }

    let seen: Vec<_> = roll_call(&mut members)
        .await
        .into_iter()
        .map(|sighting| (sighting.instance.to_string(), sighting.member.is_some()))
        .collect();
    assert_eq!(seen, [("a".to_owned(), true), ("b".to_owned(), false), ("c".to_owned(), false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_entries_are_read_whole_while_they_change() {
    let server = NatsServer::start().await;
    let mut members = in_jetstream(&server).await;
    let mut writer = NatsMembers::new(connected(&server).await, BUCKET.to_owned());
    let all: Vec<Member> = (0..300).map(|n| member(&format!("i{n}"))).collect();
    let mut revisions = Vec::new();
    for each in &all {
        revisions.push(writer.announce(each, None).await.expect("the first entry"));
    }

    let writing = tokio::spawn(async move {
        for _ in 0..5 {
            for (each, revision) in all.iter().zip(&mut revisions) {
                *revision = writer.announce(each, Some(*revision)).await.expect("the entry again");
            }
        }
    });
    while !writing.is_finished() {
        assert_eq!(roll_call(&mut members).await.len(), 300);
    }

    writing.await.expect("the writer ends in peace");
}
