//! One shift on a shard, from the take-over to the hand-over: pulls what it has credits for, routes it to partitions,
//! supervises them, and drains.

mod ending;
mod intake;

use std::sync::Arc;
use std::time::Duration;

use tidegate::erased::DynHandler;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, info, warn};

use super::crew::Crew;
use super::delivery::{Delivery, Home};
use super::drain::Drain;
use super::duty::Duty;
use super::flow::{Allowance, Passage};
use super::heartbeat::keep_leases;
use super::ledger::Ledger;
use super::ownership::acquire;
use super::partition::Exit;
use super::quarantine::Quarantine;
use super::router::Router;
use super::stall::{Stalled, Stalls};
use super::status::ShardStatus;
use super::supervisor::{BudgetSpent, Plan, Rebuild, Supervisor};
use super::threads::Thread;
use super::title::{Standing, Title};
use crate::planted::{Bug, is_planted};
use crate::port::{Arrivals, Room, Settle, Source, SourceError, Tenure};

/// How long freed credits gather before we ask for more: at the limit of the window, one request for many messages is
/// much cheaper than many requests.
const GATHER: Duration = Duration::from_millis(1);

const NO_ROOM: Room = Room { messages: 0, bytes: 0 };

/// What every shift on a shard starts with.
pub(crate) struct ShiftPlan {
    pub(crate) crew: Crew,
    pub(crate) handler: Arc<dyn DynHandler>,
    pub(crate) rebuild: Rebuild,
    pub(crate) router: Arc<Router>,
    pub(crate) settle: Arc<dyn Settle>,
    pub(crate) tenure: Arc<Tenure>,
    pub(crate) floor: Arc<std::sync::atomic::AtomicU64>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) status: Arc<ShardStatus>,
    /// What may be taken in.
    pub(crate) passage: watch::Receiver<Passage>,
    /// How many messages may be taken in until the outputs are looked at again.
    pub(crate) allowance: Arc<Allowance>,
    pub(crate) partitions: u32,
    pub(crate) shards: u32,
    pub(crate) mailbox: usize,
    pub(crate) restarts: u32,
    pub(crate) limit: Room,
    pub(crate) ack_wait: Duration,
    /// How long a hand-over waits for what runs.
    pub(crate) patience: Duration,
}

impl ShiftPlan {
    fn limit(&self) -> Room {
        if is_planted(Bug::UnboundedMailbox) {
            return Room { messages: usize::MAX, ..self.limit };
        }
        self.limit
    }
}

/// A shard at work.
pub(crate) struct Shift<'a> {
    plan: &'a ShiftPlan,
    source: &'a mut dyn Source,
    title: &'a mut Title,
    duty: &'a mut Duty,
    drain: &'a Drain,
    crew: Arc<Crew>,
    home: Arc<Home>,
    supervisor: Supervisor,
    returns: mpsc::Receiver<Delivery>,
    exits: mpsc::Receiver<Exit>,
    room: Arc<Notify>,
    /// What was claimed and must not be tried all at once.
    quarantine: Option<Quarantine>,
    stalls: Stalls,
    passage: watch::Receiver<Passage>,
    /// Whether what was asked for was taken back, when the passage was closed.
    is_taken_back: bool,
    renewals: watch::Receiver<()>,
    _leases: AbortOnDropHandle<()>,
}

/// Why a shift ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The process ends.
    Drained,
    /// The shard is to be another instance's.
    Relieved,
    /// Another instance may have it already.
    Lost,
    /// A partition died too often.
    Failed,
}

impl From<BudgetSpent> for End {
    fn from(_: BudgetSpent) -> Self {
        Self::Failed
    }
}

impl<'a> Shift<'a> {
    /// Starts the partitions.
    pub(crate) fn open(
        plan: &'a ShiftPlan,
        source: &'a mut dyn Source,
        title: &'a mut Title,
        duty: &'a mut Duty,
        drain: &'a Drain,
    ) -> Self {
        let (returns_sender, returns) = mpsc::channel(plan.limit.messages);
        // A partition exits at most twice: condemned by a lane, then dead.
        let (exits_sender, exits) = mpsc::channel(plan.partitions as usize * 2);
        let home = Arc::new(Home {
            ledger: Ledger::new(plan.limit(), Arc::clone(&plan.floor)),
            settle: Arc::clone(&plan.settle),
            returns: returns_sender,
            status: Arc::clone(&plan.status),
            ended: Notify::new(),
        });
        let crew = Arc::new(plan.crew.at_work(Drain::default(), Arc::clone(&plan.tenure)));
        let room = Arc::new(Notify::new());
        let supervised = Plan {
            crew: Arc::clone(&crew),
            handler: Arc::clone(&plan.handler),
            rebuild: Arc::clone(&plan.rebuild),
            partitions: plan.partitions,
            mailbox: plan.mailbox,
            budget: plan.restarts,
            threads: plan.threads.clone(),
        };
        let supervisor = Supervisor::start(supervised, Arc::clone(&home), exits_sender, Arc::clone(&room));
        let leases = AbortOnDropHandle::new(tokio::spawn(keep_leases(Arc::clone(&home), plan.ack_wait)));
        plan.status.work_with(&home);
        Self {
            plan,
            source,
            title,
            duty,
            drain,
            crew,
            home,
            supervisor,
            returns,
            exits,
            room,
            quarantine: None,
            stalls: Stalls::new(),
            passage: plan.passage.clone(),
            // The take-over takes back what was asked for before it.
            is_taken_back: plan.passage.borrow().takes_back(),
            renewals: plan.allowance.renewals(),
            _leases: leases,
        }
    }

    /// Works until it ends; afterwards nothing of the shard is in our hands.
    pub(crate) async fn run(mut self, first: Arrivals) -> End {
        let end = match self.work(first).await {
            Err(end) => end,
            Ok(never) => match never {},
        };
        match end {
            End::Drained => self.wind_down().await,
            End::Failed => {
                self.crew.status.fail();
                self.wind_down().await;
            }
            End::Relieved => {
                if tokio::time::timeout(self.plan.patience, self.wind_down()).await.is_ok() {
                    info!(shard = %self.duty.shard(), "shard handed over");
                } else {
                    warn!(shard = %self.duty.shard(), "hand-over does not wait any longer for what still runs");
                    self.abandon().await;
                }
            }
            End::Lost => self.abandon().await,
        }
        end
    }

    async fn work(&mut self, first: Arrivals) -> Result<std::convert::Infallible, End> {
        if self.claim(first).await.is_err() {
            self.recover().await?;
        }
        loop {
            self.step().await?;
        }
    }

    /// Waits for one event and reacts to it.
    async fn step(&mut self) -> Result<(), End> {
        self.supervisor.restart()?;
        self.supervisor.pump();
        self.release().await;
        let passage = *self.passage.borrow_and_update();
        let was_taken_back = std::mem::replace(&mut self.is_taken_back, passage.takes_back());
        if passage.takes_back() && !was_taken_back {
            return self.recover().await;
        }
        let holding = self.supervisor.is_holding();
        let can_pull =
            !holding && passage.lets_in() && self.quarantine.is_none() || is_planted(Bug::UnboundedMailbox);
        let room = if can_pull { self.room() } else { NO_ROOM };
        tokio::select! {
            biased;
            () = self.drain.begun() => return Err(End::Drained),
            () = self.duty.relieved() => return Err(End::Relieved),
            Some(exit) = self.exits.recv() => self.supervisor.on_exit(exit),
            Some(delivery) = self.returns.recv() => self.supervisor.on_return(delivery),
            () = self.supervisor.restart_due() => {}
            () = self.room.notified(), if holding => {}
            Ok(()) = self.passage.changed() => {}
            Ok(()) = self.renewals.changed() => {}
            () = self.stalls.due() => self.replace_stalled(),
            () = quarantine_changed(self.quarantine.as_mut(), &self.home) => {}
            arrivals = self.source.next(room) => match arrivals {
                Ok(arrivals) => self.admit_all(arrivals).await,
                Err(error) => {
                    self.count(&error);
                    self.recover().await?;
                }
            },
            () = gather(&self.home), if can_pull && self.home.ledger.is_tight(room) => {}
        }
        Ok(())
    }

    /// What the ledger has room for, as far as the outputs have.
    fn room(&self) -> Room {
        let room = self.home.ledger.room();
        match self.plan.allowance.share(self.plan.shards) {
            0 => NO_ROOM,
            share => Room { messages: room.messages.min(share), ..room },
        }
    }

    fn count(&self, error: &SourceError) {
        let shard = self.duty.shard();
        if matches!(error, SourceError::Stalled(_)) {
            self.crew.status.stalled();
            warn!(%shard, %error, "nothing is delivered, pulling afresh");
        } else {
            debug!(%shard, %error, "source interrupted");
        }
        self.crew.status.interrupted();
    }

    /// Restarts partitions in which messages wait that nobody works on.
    fn replace_stalled(&mut self) {
        let supervisor = &self.supervisor;
        for Stalled { partition, sequence } in
            self.stalls.look(&self.home.ledger, |partition| supervisor.is_free(partition))
        {
            self.crew.status.stalled();
            warn!(
                actor = %self.crew.name, %partition, sequence,
                "partition stalled: it has had messages and a slot for them for 30 s, and no lane has taken them up"
            );
            self.supervisor.replace(partition);
        }
    }

    /// Acquires the right to pull again, after an interruption. What is in our hands stays there if nobody else has
    /// had the shard in between.
    async fn recover(&mut self) -> Result<(), End> {
        let others = self.duty.clone();
        loop {
            let acquired = tokio::select! {
                biased;
                () = self.drain.begun() => return Err(End::Drained),
                () = self.duty.relieved() => return Err(End::Relieved),
                () = lapsed_among_others(&self.plan.tenure, others.clone()) => return Err(End::Lost),
                acquired = acquire(self.source, self.title, &others, &self.plan.tenure) => acquired,
            };
            if acquired.standing == Standing::New {
                return Err(End::Lost);
            }
            if self.claim(acquired.arrivals).await.is_ok() {
                return Ok(());
            }
        }
    }
}

/// The right to pull has to be acquired again.
#[derive(Debug)]
struct MustAcquire;

async fn quarantine_changed(quarantine: Option<&mut Quarantine>, home: &Home) {
    match quarantine {
        Some(quarantine) => quarantine.changed(home).await,
        None => std::future::pending().await,
    }
}

/// Waits until the right to pull has lapsed while there are others who may have taken it.
async fn lapsed_among_others(tenure: &Tenure, mut duty: Duty) {
    tenure.lapsed().await;
    duty.contested().await;
}

async fn gather(home: &Home) {
    home.ledger.freed().await;
    tokio::time::sleep(GATHER).await;
}
