//! Takes part in sharing the work: says that we live, sees who else does, and tells which shards are to be ours.
//!
//! Nothing here lets anybody pull a shard: that is the server's pin. So a view that is out of date, ours or that of
//! others, costs time and never order.

mod entry;
mod reports;
mod round_trip;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::entry::Announcer;
pub use self::entry::MembershipError;
use self::reports::Reports;
pub use self::round_trip::RoundTrip;
pub use self::standing::Standing;
use super::assignment::{assign, substitute};
use super::drain::Drain;
use super::roster::Roster;
use crate::message::{InstanceId, Member, ShardId, WorkReport};
use crate::port::{Members, MembersError, Sighting};

/// How often one beat may change what we do.
const MOST_CHANGES: u32 = 4;

/// How often one beat looks for what was just written, and which part of `failover` it waits in between.
const LOOKS: u32 = 4;
const LAG: u32 = 100;

/// What an instance brings to the others.
#[derive(Debug, Clone)]
pub struct Charter {
    /// What it is; its state, its shards and its times are filled in at every announcement.
    pub member: Member,
    /// How long an instance may be silent before its shards go to others.
    pub failover: Duration,
    /// All that is to be shared out.
    pub shards: BTreeSet<ShardId>,
}

/// Which shards are to be ours, and whose the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignment {
    /// What we do among the others.
    pub standing: Standing,
    /// The shards that we should have: to be taken as soon as the server lets us, and no others to be kept.
    pub mine: BTreeSet<ShardId>,
    /// Whose every shard should be, ours included.
    pub owners: BTreeMap<ShardId, InstanceId>,
    /// The shards that others say they own.
    pub held: BTreeSet<ShardId>,
    /// Whether others share the work: a shard whose right we have let lapse may be theirs.
    pub is_contested: bool,
}

/// The part of an instance among those that share the work.
pub struct Membership {
    announcer: Announcer,
    charter: Charter,
    roster: Roster,
    standing: Standing,
    /// Those that shared the work at the last look.
    sharing: BTreeSet<InstanceId>,
    reports: Reports,
    assignment: watch::Sender<Assignment>,
    leaving: Drain,
    left: CancellationToken,
    /// Whether it was told that the bucket cannot be reached.
    is_cut_off: bool,
}

impl Membership {
    /// Takes part as soon as it [runs](Self::run). `report` tells about our shards, `leaving` that we take no more, and
    /// `left` that we have none any more and go.
    pub fn new(
        members: Box<dyn Members>,
        charter: Charter,
        report: impl Fn() -> WorkReport + Send + 'static,
        leaving: Drain,
        left: CancellationToken,
    ) -> Self {
        Self {
            announcer: Announcer::new(members, &charter, Box::new(report)),
            roster: Roster::new(charter.failover),
            charter,
            standing: Standing::default(),
            sharing: BTreeSet::new(),
            reports: Reports::default(),
            assignment: watch::Sender::default(),
            leaving,
            left,
            is_cut_off: false,
        }
    }

    /// What the others and we come to, and its changes.
    pub fn assignment(&self) -> watch::Receiver<Assignment> {
        self.assignment.subscribe()
    }

    /// How long the broker takes to store our entry.
    pub fn round_trip(&self) -> RoundTrip {
        self.announcer.round_trip.clone()
    }

    /// Takes part until it has left.
    ///
    /// # Errors
    /// [`MembershipError::Taken`] when another process has our id. No shard is to be kept then.
    pub async fn run(mut self) -> Result<(), MembershipError> {
        let ended = self.take_part().await;
        if ended.is_err() {
            self.standing = Standing::Lost;
            self.publish(BTreeMap::new());
        }
        ended
    }

    async fn take_part(&mut self) -> Result<(), MembershipError> {
        let mut beats = tokio::time::interval(self.charter.failover / 4);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut has_id = false;
        loop {
            tokio::select! {
                biased;
                () = self.left.cancelled() => break,
                () = self.leaving.begun(), if self.standing != Standing::Leaving => {
                    self.standing = Standing::Leaving;
                    self.publish(BTreeMap::new());
                }
                _ = beats.tick() => {}
            }
            if !has_id {
                has_id = self.take_id().await?;
            }
            if has_id {
                self.beat().await?;
            }
        }
        if let Err(error) = self.announcer.leave().await {
            warn!(%error, "left without a word, the others will notice");
        }
        Ok(())
    }

    async fn take_id(&mut self) -> Result<bool, MembershipError> {
        match self.announcer.take_id(Instant::now()).await {
            Ok(is_ours) => Ok(is_ours),
            Err(error) => self.go_on_despite(error).map(|()| false),
        }
    }

    async fn beat(&mut self) -> Result<(), MembershipError> {
        match self.look_and_judge().await {
            Ok(()) => {
                if std::mem::take(&mut self.is_cut_off) {
                    info!("the other instances are seen again");
                }
                Ok(())
            }
            Err(error) => self.go_on_despite(error),
        }
    }

    /// Without the bucket everything stays as it is: the pins decide.
    fn go_on_despite(&mut self, error: MembershipError) -> Result<(), MembershipError> {
        let MembershipError::Members(error) = error else { return Err(error) };
        if !std::mem::replace(&mut self.is_cut_off, true) {
            warn!(%error, "the other instances cannot be seen, the shards stay where they are");
        }
        Ok(())
    }

    /// One announcement and one look around; again while that changes what we do, since the others are to know. A
    /// claim is made by the announcement, and whether it holds is seen after it.
    async fn look_and_judge(&mut self) -> Result<(), MembershipError> {
        for _ in 0..MOST_CHANGES {
            self.announcer.announce(&self.standing).await?;
            let sightings = self.look().await?;
            let now = Instant::now();
            self.roster.observe(sightings, now);
            let (me, live) = (self.announcer.myself(), self.roster.live(now).collect::<Vec<_>>());
            let next = self.standing.judge(me, self.announcer.claim(), &live);
            let sharing = standing::sharing(&next, me, &live);
            let reports = Reports::of(&self.charter.member.instance, &live);
            let is_settled = next == self.standing;
            if !is_settled {
                next.log();
                self.standing = next;
            }
            if is_settled || self.standing != Standing::Working {
                self.share_out(sharing, reports);
            }
            if is_settled {
                break;
            }
        }
        Ok(())
    }

    /// All entries, with what we wrote last: a replica of the bucket that lags may have answered first.
    async fn look(&mut self) -> Result<Vec<Sighting>, MembershipError> {
        for _ in 0..LOOKS {
            let sightings = self.announcer.roll_call().await?;
            if self.announcer.is_up_to_date(&sightings) {
                return Ok(sightings);
            }
            tokio::time::sleep(self.charter.failover / LAG).await;
        }
        Err(MembersError::Unavailable("only replicas that lag answer".to_owned()).into())
    }

    fn share_out(&mut self, sharing: BTreeSet<InstanceId>, reports: Reports) {
        if sharing != self.sharing {
            let instances: Vec<&str> = sharing.iter().map(InstanceId::as_str).collect();
            info!(count = instances.len(), instances = instances.join(" "), "instances share the work");
        }
        self.sharing = sharing;
        self.reports = reports;
        let owners = assign(&self.sharing, &self.charter.shards);
        self.publish(substitute(owners, &self.sharing, &self.reports.failed));
    }

    fn publish(&self, owners: BTreeMap<ShardId, InstanceId>) {
        let me = &self.charter.member.instance;
        let mine = owners.iter().filter(|(_, owner)| *owner == me).map(|(shard, _)| shard.clone()).collect();
        let is_contested = self.sharing.iter().any(|sharing| sharing != me);
        let next = Assignment {
            standing: self.standing.clone(),
            mine,
            owners,
            held: self.reports.held.clone(),
            is_contested,
        };
        self.assignment.send_if_modified(|current| {
            let has_changed = *current != next;
            *current = next;
            has_changed
        });
    }
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Membership")
            .field("instance", &self.charter.member.instance)
            .field("standing", &self.standing)
            .finish_non_exhaustive()
    }
}
