//! Instances that share the work: they join, leave, die, are cut off, and disagree.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::harness::on_paused_clock;
use crate::engine::{Assignment, Charter, Drain, Membership, MembershipError, Standing};
use crate::memory::MemoryMembers;
use crate::message::{InstanceId, Member, MemberState, ShardId, WorkReport};

const FAILOVER: Duration = Duration::from_secs(2);
const BEAT: Duration = Duration::from_millis(500);
const SHARDS: u32 = 8;

/// An instance, and its own way to the bucket.
struct Instance {
    id: InstanceId,
    way: MemoryMembers,
    assignment: watch::Receiver<Assignment>,
    leaving: Drain,
    left: CancellationToken,
    task: JoinHandle<Result<(), MembershipError>>,
}

impl Instance {
    fn start(bucket: &MemoryMembers, name: &str, pid: u32, fingerprint: &str) -> Self {
        let id: InstanceId = name.parse().expect("a valid id");
        let member = Member {
            instance: id.clone(),
            version: "1".to_owned(),
            fingerprint: fingerprint.to_owned(),
            sections: BTreeMap::from([("actors.payments".to_owned(), fingerprint.to_owned())]),
            host: "host".to_owned(),
            pid,
            started: SystemTime::UNIX_EPOCH,
            written: SystemTime::UNIX_EPOCH,
            state: MemberState::Standby,
            reason: None,
            claim: None,
            shards: Vec::new(),
            alerts: Vec::new(),
            actors: Vec::new(),
        };
        let (way, leaving, left) = (bucket.another(), Drain::default(), CancellationToken::new());
        let charter = Charter { member, failover: FAILOVER, shards: shards() };
        let membership = Membership::new(
            Box::new(way.clone()),
            charter,
            WorkReport::default,
            leaving.clone(),
            left.clone(),
        );
        let assignment = membership.assignment();
        Self { id, way, assignment, leaving, left, task: tokio::spawn(membership.run()) }
    }

    /// Waits until the assignment is so; returns how long that took.
    async fn until(&mut self, what: &str, is_so: impl Fn(&Assignment) -> bool) -> Duration {
        let start = Instant::now();
        let waited = timeout(Duration::from_secs(60), self.assignment.wait_for(is_so)).await;
        let has_come = waited.is_ok_and(|outcome| outcome.is_ok());
        assert!(has_come, "{}: never {what}: {:?}", self.id, self.now());
        start.elapsed()
    }

    async fn until_it_has(&mut self, count: u32) -> Duration {
        self.until(&format!("has {count}"), |now| now.mine.len() == count as usize).await
    }

    async fn until_it_stands_by(&mut self) -> String {
        self.until("stands by", |now| matches!(now.standing, Standing::Standby(_))).await;
        match self.now().standing {
            Standing::Standby(reason) => reason,
            other => panic!("{other:?} after it stood by"),
        }
    }

    /// Whether it has any shard between now and its end.
    fn ever_has_shards(&self) -> JoinHandle<bool> {
        let mut assignment = self.assignment.clone();
        tokio::spawn(async move { assignment.wait_for(|now| !now.mine.is_empty()).await.is_ok() })
    }

    fn now(&self) -> Assignment {
        self.assignment.borrow().clone()
    }

    async fn ended(self) -> Result<(), MembershipError> {
        timeout(Duration::from_secs(60), self.task).await.expect("it ends").expect("it does not panic")
    }
}

fn shards() -> BTreeSet<ShardId> {
    (0..SHARDS).map(|shard| ShardId { actor: "payments".into(), shard }).collect()
}

/// Asserts that both agree, and that every shard has one owner.
fn assert_agreed(one: &Instance, other: &Instance) {
    let (one, other) = (one.now(), other.now());
    assert_eq!(one.owners, other.owners);
    assert!(one.mine.is_disjoint(&other.mine));
    assert_eq!(one.owners.len(), SHARDS as usize);
}

#[test]
fn whoever_joins_gets_a_share() {
    on_paused_clock(async {
        let bucket = MemoryMembers::default();
        let mut a = Instance::start(&bucket, "a", 1, "same");
        let alone = a.until_it_has(SHARDS).await;

        let mut b = Instance::start(&bucket, "b", 2, "same");
        let newcomer = b.until_it_has(SHARDS / 2).await;
        let incumbent = a.until_it_has(SHARDS / 2).await;

        assert!(
            alone.is_zero() && newcomer.is_zero() && incumbent <= BEAT,
            "{alone:?} {newcomer:?} {incumbent:?}"
        );
        assert_agreed(&a, &b);
    });
}

#[test]
fn whoever_leaves_gives_up_its_share_at_once() {
    on_paused_clock(async {
        let bucket = MemoryMembers::default();
        let mut a = Instance::start(&bucket, "a", 1, "same");
        let mut b = Instance::start(&bucket, "b", 2, "same");
        a.until_it_has(SHARDS / 2).await;
        b.until_it_has(SHARDS / 2).await;

        a.leaving.begin();
        let given = a.until_it_has(0).await;
        let taken = b.until_it_has(SHARDS).await;
        let state = bucket.entry(&a.id).expect("it still drains").state;
        a.left.cancel();
        let id = a.id.clone();

        assert!(given.is_zero() && taken <= BEAT, "{given:?} {taken:?}");
        assert_eq!(state, MemberState::Leaving);
        a.ended().await.expect("it left in peace");
        assert_eq!(bucket.entry(&id), None);
        assert_eq!(b.now().mine, shards());
    });
}

#[test]
fn the_shards_of_the_dead_go_to_others_after_failover() {
    on_paused_clock(async {
        let bucket = MemoryMembers::default();
        let mut a = Instance::start(&bucket, "a", 1, "same");
        let mut b = Instance::start(&bucket, "b", 2, "same");
        a.until_it_has(SHARDS / 2).await;
        b.until_it_has(SHARDS / 2).await;

        a.task.abort();
        let taken = b.until_it_has(SHARDS).await;

        assert!(taken + BEAT >= FAILOVER && taken <= FAILOVER + BEAT, "{taken:?}");
    });
}

#[test]
fn whoever_was_frozen_gets_its_share_again() {
    on_paused_clock(async {
        let bucket = MemoryMembers::default();
        let mut a = Instance::start(&bucket, "a", 1, "same");
        let mut b = Instance::start(&bucket, "b", 2, "same");
        a.until_it_has(SHARDS / 2).await;
        b.until_it_has(SHARDS / 2).await;

        a.way.cut();
        b.until_it_has(SHARDS).await;
        let meanwhile = a.now().mine.len();
        a.way.mend();
        b.until_it_has(SHARDS / 2).await;

        assert_eq!(meanwhile, SHARDS as usize / 2, "the pins decide while it sees nobody");
        assert_agreed(&a, &b);
    });
}

#[test]
fn nobody_is_taken_for_dead_while_the_bucket_is_away() {
    on_paused_clock(async {
        let bucket = MemoryMembers::default();
        let mut instances = ["a", "b", "c"].map(|name| Instance::start(&bucket, name, 1, "same"));
        for instance in &mut instances {
            instance.until("is one of three", |now| has_owners(now, 3)).await;
        }
        let before = instances[0].now();

        for instance in &instances {
            instance.way.cut();
        }
        tokio::time::sleep(FAILOVER * 20).await;
        bucket.wipe();
        for instance in &mut instances {
            instance.assignment.mark_unchanged();
            instance.way.mend();
        }
        tokio::time::sleep(FAILOVER * 2).await;

        for instance in &instances {
            assert!(!instance.assignment.has_changed().expect("it lives"), "{:?}", instance.now());
            assert_eq!(instance.now().owners, before.owners);
        }
    });
}

fn has_owners(assignment: &Assignment, count: usize) -> bool {
    assignment.owners.values().collect::<BTreeSet<_>>().len() == count
}

#[test]
fn whoever_comes_with_another_topology_stands_by_until_the_others_are_gone() {
    on_paused_clock(async {
        let bucket = MemoryMembers::default();
        let mut old = Instance::start(&bucket, "old", 1, "one");
        old.until_it_has(SHARDS).await;

        let mut new = Instance::start(&bucket, "new", 2, "two");
        let reason = new.until_it_stands_by().await;
        // It knows first and tells then.
        tokio::time::sleep(BEAT).await;
        let told = bucket.entry(&new.id).expect("an entry");
        let mut again = Instance::start(&bucket, "again", 3, "one");
        again.until_it_has(SHARDS / 2).await;
        old.leaving.begin();
        again.until_it_has(SHARDS).await;
        let meanwhile = new.now();
        again.leaving.begin();
        let taken = new.until_it_has(SHARDS).await;

        assert!(reason.contains("in actors.payments from that of instance old"), "{reason}");
        assert_eq!((told.state, told.reason), (MemberState::Standby, Some(reason)));
        assert!(meanwhile.mine.is_empty());
        assert!(taken <= BEAT, "{taken:?}");
    });
}

#[test]
fn of_many_that_start_at_once_only_one_topology_ever_works() {
    on_paused_clock(async {
        let bucket = MemoryMembers::default();
        let topologies = ["one", "two", "three"];
        let mut instances: Vec<Instance> = (0..9_u32)
            .map(|n| Instance::start(&bucket, &format!("i{n}"), n, topologies[n as usize % 3]))
            .collect();
        let had_shards: Vec<JoinHandle<bool>> = instances.iter().map(Instance::ever_has_shards).collect();

        for instance in &mut instances {
            instance.until("knows its part", |now| now.standing != Standing::Joining).await;
        }
        tokio::time::sleep(FAILOVER * 2).await;

        let shares: usize = instances.iter().map(|instance| instance.now().mine.len()).sum();
        assert_eq!(shares, SHARDS as usize);
        drop(bucket);
        for instance in instances {
            instance.task.abort();
        }
        let mut worked = BTreeSet::new();
        for (n, had) in had_shards.into_iter().enumerate() {
            if had.await.expect("it does not panic") {
                worked.insert(topologies[n % 3]);
            }
        }
        assert_eq!(worked.len(), 1, "{worked:?}");
    });
}

#[test]
fn whoever_was_replaced_by_another_topology_stands_by() {
    on_paused_clock(async {
        let bucket = MemoryMembers::default();
        let mut old = Instance::start(&bucket, "old", 1, "one");
        old.until_it_has(SHARDS).await;
        let mut new = Instance::start(&bucket, "new", 2, "two");
        new.until_it_stands_by().await;

        old.way.cut();
        new.until_it_has(SHARDS).await;
        old.way.mend();
        old.until_it_stands_by().await;
        tokio::time::sleep(FAILOVER).await;

        assert_eq!(new.now().mine, shards());
        assert!(old.now().mine.is_empty());
    });
}

#[test]
fn an_id_that_is_in_use_is_refused() {
    on_paused_clock(async {
        let bucket = MemoryMembers::default();
        let mut first = Instance::start(&bucket, "a", 1, "same");
        first.until_it_has(SHARDS).await;

        let second = Instance::start(&bucket, "a", 2, "same");
        let assignment = second.assignment.clone();
        let ended = second.ended().await;

        assert!(matches!(ended, Err(MembershipError::Taken { pid: 1, .. })), "{ended:?}");
        assert_eq!(assignment.borrow().standing, Standing::Lost);
        assert_eq!(first.now().mine, shards());
    });
}

#[test]
fn the_id_of_a_dead_process_is_taken_over_and_its_zombie_ends() {
    on_paused_clock(async {
        let bucket = MemoryMembers::default();
        let mut first = Instance::start(&bucket, "a", 1, "same");
        first.until_it_has(SHARDS).await;

        first.way.cut();
        let mut second = Instance::start(&bucket, "a", 2, "same");
        let taken = second.until_it_has(SHARDS).await;
        first.way.mend();
        let assignment = first.assignment.clone();
        let ended = first.ended().await;

        assert!(taken >= FAILOVER && taken <= FAILOVER + BEAT, "{taken:?}");
        assert!(matches!(ended, Err(MembershipError::Taken { pid: 2, .. })), "{ended:?}");
        assert!(assignment.borrow().mine.is_empty());
        assert_eq!(second.now().mine, shards());
    });
}

#[test]
fn an_answer_that_is_lost_is_no_other_process() {
    on_paused_clock(async {
        let bucket = MemoryMembers::default();
        let mut a = Instance::start(&bucket, "a", 1, "same");
        a.until_it_has(SHARDS).await;

        a.assignment.mark_unchanged();
        for _ in 0..3 {
            a.way.lose_answer();
            tokio::time::sleep(BEAT * 2).await;
        }

        assert!(!a.assignment.has_changed().expect("it lives"), "{:?}", a.now());
        assert!(!a.task.is_finished());
    });
}
