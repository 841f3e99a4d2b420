//! Our own entry in the bucket of members: written again and again, and never over that of another process.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tracing::info;

use super::{Charter, RoundTrip, Standing};
use crate::message::{InstanceId, Member, MemberState, WorkReport};
use crate::port::{Members, MembersError, Revision, Sighting};

/// The longest wait for an answer of the bucket.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How often we look what stands in the way of an announcement before we leave it to the next beat.
const LOOKS: u32 = 3;

/// Why an instance can no longer take part.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MembershipError {
    /// Another process announces itself under our id.
    #[error("the instance id `{instance}` is used by another process: {pid} on host `{host}`")]
    Taken {
        /// The id.
        instance: InstanceId,
        /// The other process.
        pid: u32,
        /// Where it runs.
        host: String,
    },
    /// The bucket cannot be used, which passes.
    #[error(transparent)]
    Members(#[from] MembersError),
}

impl MembershipError {
    /// What to do about it.
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Taken { .. } => {
                "give every instance a name of its own with `--instance`, or leave it out and one is made up"
            }
            Self::Members(_) => "see whether the server is up, and whether our user may use the bucket",
        }
    }
}

/// Who writes our entry.
pub(super) struct Announcer {
    members: Box<dyn Members>,
    myself: Member,
    report: Box<dyn Fn() -> WorkReport + Send>,
    failover: Duration,
    /// The entry that the next announcement replaces.
    replaces: Option<Revision>,
    /// When we were last heard.
    heard: Option<Instant>,
    /// The revision by which we began to work.
    claim: Option<Revision>,
    /// An entry under our id that another process wrote, and since when it has not changed.
    watched: Option<(Revision, Instant)>,
    pub(super) round_trip: RoundTrip,
}

impl Announcer {
    pub(super) fn new(
        members: Box<dyn Members>,
        charter: &Charter,
        report: Box<dyn Fn() -> WorkReport + Send>,
    ) -> Self {
        Self {
            members,
            myself: charter.member.clone(),
            report,
            failover: charter.failover,
            replaces: None,
            heard: None,
            claim: None,
            watched: None,
            round_trip: RoundTrip::default(),
        }
    }

    /// Ourselves, as announced last.
    pub(super) fn myself(&self) -> &Member {
        &self.myself
    }

    /// The revision by which we began to work.
    pub(super) fn claim(&self) -> Option<Revision> {
        self.claim
    }

    /// Whether our id is ours: nobody uses it, or whoever did has been silent for `failover`.
    pub(super) async fn take_id(&mut self, now: Instant) -> Result<bool, MembershipError> {
        let sightings = self.roll_call().await?;
        let Some(found) = self.own(&sightings) else {
            self.replaces = None;
            return Ok(true);
        };
        match (&found.member, self.watched) {
            (None, _) => {}
            (Some(_), None) => {
                info!(instance = %self.myself.instance, "the id was in use, waiting whether its process still lives");
                self.watched = Some((found.revision, now));
                return Ok(false);
            }
            (Some(member), Some((revision, _))) if revision != found.revision => {
                if member.state != MemberState::Leaving {
                    return Err(self.taken_by(member));
                }
                self.watched = Some((found.revision, now));
                return Ok(false);
            }
            (Some(_), Some((_, since))) => {
                if now.saturating_duration_since(since) < self.failover {
                    return Ok(false);
                }
            }
        }
        self.replaces = Some(found.revision);
        Ok(true)
    }

    /// Writes our entry.
    pub(super) async fn announce(&mut self, standing: &Standing) -> Result<(), MembershipError> {
        self.describe(standing);
        for _ in 0..LOOKS {
            let writing = self.members.announce(&self.myself, self.replaces);
            self.round_trip.begin();
            match bounded(self.failover, writing).await {
                Ok(revision) => {
                    self.round_trip.end();
                    self.replaces = Some(revision);
                    self.heard = Some(Instant::now());
                    if *standing == Standing::Working {
                        self.claim.get_or_insert(revision);
                    }
                    return Ok(());
                }
                Err(MembersError::Conflict) => {
                    self.round_trip.end();
                    self.learn().await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(MembersError::Conflict.into())
    }

    /// All entries.
    pub(super) async fn roll_call(&mut self) -> Result<Vec<Sighting>, MembershipError> {
        Ok(bounded(self.failover, self.members.roll_call()).await?)
    }

    /// Whether what we wrote last is there, and so is all that was written before.
    pub(super) fn is_up_to_date(&self, sightings: &[Sighting]) -> bool {
        self.own(sightings).map(|own| own.revision) >= self.replaces
    }

    /// Marks our entry as left, if there is one.
    pub(super) async fn leave(&mut self) -> Result<(), MembersError> {
        let Some(revision) = self.replaces.filter(|_| self.heard.is_some()) else { return Ok(()) };
        bounded(self.failover, self.members.leave(&self.myself.instance, revision)).await
    }

    /// Who works and was silent for `failover` must expect that others have taken his place: he claims anew.
    fn describe(&mut self, standing: &Standing) {
        let was_silent = self.heard.is_none_or(|heard| heard.elapsed() >= self.failover);
        if *standing != Standing::Working || was_silent {
            self.claim = None;
        }
        self.myself.state = standing.state();
        self.myself.reason = standing.reason();
        self.myself.claim = self.claim.map(|Revision(claim)| claim);
        self.myself.written = SystemTime::now();
        let WorkReport { shards, alerts, actors } = (self.report)();
        (self.myself.shards, self.myself.alerts, self.myself.actors) = (shards, alerts, actors);
    }

    /// Looks what is there instead of the entry that we wanted to replace: nothing, since the bucket has lost it; or
    /// our own, since the answer to an announcement was lost; or that of another process.
    async fn learn(&mut self) -> Result<(), MembershipError> {
        let sightings = self.roll_call().await?;
        let found = self.own(&sightings);
        if let Some(member) = found.and_then(|found| found.member.as_ref())
            && !member.is_same_process(&self.myself)
        {
            return Err(self.taken_by(member));
        }
        if found.is_none() {
            self.claim = None;
            self.myself.claim = None;
        }
        self.replaces = found.map(|found| found.revision);
        Ok(())
    }

    fn own<'a>(&self, sightings: &'a [Sighting]) -> Option<&'a Sighting> {
        sightings.iter().find(|sighting| sighting.instance == self.myself.instance)
    }

    fn taken_by(&self, member: &Member) -> MembershipError {
        MembershipError::Taken {
            instance: self.myself.instance.clone(),
            pid: member.pid,
            host: member.host.clone(),
        }
    }
}

async fn bounded<T>(
    failover: Duration,
    call: impl Future<Output = Result<T, MembersError>>,
) -> Result<T, MembersError> {
    let limit = (failover / 2).min(LONGEST_WAIT);
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer,
        Err(_) => Err(MembersError::Unavailable(format!("no answer within {limit:?}"))),
    }
}
