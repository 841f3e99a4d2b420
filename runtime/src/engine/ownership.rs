//! Taking a shard over: nothing that is new is handled before all that was delivered and not settled is in our hands.
//!
//! Of messages that nobody holds any more, the broker would deliver newer ones first, and order would break. Who takes
//! over claims what is missing and waits until it has arrived; after an interruption, too, since messages may have
//! been lost on their way.

use std::collections::BTreeMap;

use tokio::time::{Duration, Instant};
use tracing::{info, warn};

use super::delivery::Home;
use super::duty::Duty;
use super::ledger::Standing;
use super::title::{self, Title};
use crate::message::ShardId;
use crate::planted::{Bug, is_planted};
use crate::port::{Arrival, Arrivals, Room, Settlement, Source, SourceError, StoreError, Tenure};

/// How long we wait for claimed messages before we claim them again.
const CLAIM_AGAIN: Duration = Duration::from_secs(1);

/// How many terms of a tenure we wait for a right that no instance says it has, before we take it away.
const ORPHANED: u32 = 3;

/// The longest wait between two tries to reach the broker.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The right to pull a shard, acquired.
#[derive(Debug)]
pub(super) struct Acquired {
    /// Whether what is in our hands is still ours alone.
    pub(super) standing: title::Standing,
    /// What came with the right.
    pub(super) arrivals: Arrivals,
}

/// Why a take-over has to begin anew.
#[derive(Debug, thiserror::Error)]
enum Setback {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the record of owners cannot be written: {0}")]
    Record(#[from] StoreError),
}

/// Waits until nobody else can pull the shard, and writes us down as its owner. Tries until the broker answers.
///
/// An owner that no living instance knows of is evicted: a server that leads the consumer for the second time may
/// remember a pin that nobody renews any more.
///
/// # Cancel safety
/// A cancelled call may have acquired the right.
pub(super) async fn acquire(
    source: &mut dyn Source,
    title: &mut Title,
    duty: &Duty,
    tenure: &Tenure,
) -> Acquired {
    let mut trouble = Trouble::new(duty.shard());
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
            acquired = try_acquire(source, title, pause) => match acquired {
                Ok(acquired) => return acquired,
                Err(setback) => trouble.wait_after(&setback).await,
            },
            () = duty.orphaned(tenure.term() * ORPHANED) => match source.evict().await {
                Ok(true) => {
                    warn!(shard = %duty.shard(), "took the shard from an owner that no living instance knows of");
                    pause = tenure.term();
                }
                Ok(false) => {}
                Err(error) => trouble.wait_after(&error).await,
            },
        }
    }
}

/// Acquires the right, and lets `pause` pass before it is used: an owner from whom it was taken is refused from then
/// on, and knows it after one term.
async fn try_acquire(
    source: &mut dyn Source,
    title: &mut Title,
    pause: Duration,
) -> Result<Acquired, Setback> {
    let arrivals = source.acquire().await?;
    tokio::time::sleep(pause).await;
    let standing = title.take().await?;
    Ok(Acquired { standing, arrivals })
}

/// Returns what was pending and not in our hands, in stream order; `first` is what has arrived already.
///
/// After twice `ack_wait` it goes on without what does not come: the server has given those messages up.
///
/// # Errors
/// [`SourceError::Interrupted`] or [`SourceError::Stalled`] when the right to pull has to be acquired again.
pub(super) async fn claim_pending(
    source: &mut dyn Source,
    home: &Home,
    first: Arrivals,
    ack_wait: Duration,
    shard: &ShardId,
) -> Result<Vec<Arrival>, SourceError> {
    let mut held = BTreeMap::new();
    for arrival in first {
        sort_in(arrival, home, &mut held).await;
    }
    let came = held.len();
    if is_planted(Bug::SkipTakeOver) {
        return Ok(held.into_values().collect());
    }
    let give_up = Instant::now() + ack_wait * 2;
    let mut trouble = Trouble::new(shard);
    loop {
        match claim_missing(source, home, &mut held).await {
            Ok(0) => break,
            Ok(missing) if Instant::now() >= give_up => {
                warn!(%shard, missing, "pending messages do not come back, going on without them");
                break;
            }
            Ok(_) => {}
            Err(error @ (SourceError::Interrupted(_) | SourceError::Stalled(_))) => return Err(error),
            Err(error) => trouble.wait_after(&error).await,
        }
    }
    if held.len() > came {
        info!(%shard, claimed = held.len() - came, in_flight = home.ledger.len(), "shard taken over");
    }
    Ok(held.into_values().collect())
}

/// Claims what is missing and collects it; returns how many were still missing before.
async fn claim_missing(
    source: &mut dyn Source,
    home: &Home,
    held: &mut BTreeMap<u64, Arrival>,
) -> Result<u64, SourceError> {
    // Acks under way would make settled messages look pending.
    home.settle.flush().await;
    let pending = source.pending().await?;
    let (mut missing, in_hand) = home.ledger.missing(pending.floor, pending.last);
    missing.retain(|sequence| !held.contains_key(sequence));
    let expected = pending.count.saturating_sub(in_hand + held.len() as u64);
    if expected == 0 || missing.is_empty() {
        return Ok(0);
    }
    source.claim(&missing).await?;
    collect(source, home, held, expected).await?;
    Ok(expected)
}

async fn collect(
    source: &mut dyn Source,
    home: &Home,
    held: &mut BTreeMap<u64, Arrival>,
    expected: u64,
) -> Result<(), SourceError> {
    let deadline = Instant::now() + CLAIM_AGAIN;
    let mut outstanding = usize::try_from(expected).unwrap_or(usize::MAX);
    while outstanding > 0 {
        let room = Room { messages: outstanding, bytes: usize::MAX };
        let Ok(arrivals) = tokio::time::timeout_at(deadline, source.next(room)).await else { return Ok(()) };
        for arrival in arrivals? {
            outstanding = outstanding.saturating_sub(1);
            sort_in(arrival, home, held).await;
        }
    }
    Ok(())
}

async fn sort_in(arrival: Arrival, home: &Home, held: &mut BTreeMap<u64, Arrival>) {
    let message = &arrival.message;
    match home.ledger.look_up(message.sequence, message.published) {
        Standing::Settled => home.settle.settle(&arrival.receipt, Settlement::Ack).await,
        Standing::InFlight => {}
        Standing::Unknown => {
            held.insert(message.sequence, arrival);
        }
    }
}

/// Waits longer and longer, and complains once.
#[derive(Debug)]
struct Trouble<'a> {
    shard: &'a ShardId,
    wait: Duration,
    is_reported: bool,
}

impl<'a> Trouble<'a> {
    fn new(shard: &'a ShardId) -> Self {
        Self { shard, wait: Duration::from_millis(50), is_reported: false }
    }

    async fn wait_after(&mut self, error: &(dyn std::error::Error + Sync)) {
        if !self.is_reported {
            warn!(shard = %self.shard, %error, "shard cannot be taken over yet");
            self.is_reported = true;
        }
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
    }
}
