//! Taking a shard over: nothing new is handled until every message that was delivered before is in our hands.
//!
//! A dead owner's un-acked messages come back only after `ack_wait`, while newer ones are handed out at once. That
//! would break the order of an entity, so a new owner claims them first, and so does an owner whose connection was
//! interrupted: messages may have been lost on their way to it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::delivery::Home;
use crate::port::{Arrival, Room, Settlement, Source, SourceError};

/// How long we wait for claimed messages before we claim them again.
const CLAIM_AGAIN: Duration = Duration::from_secs(1);

/// The longest wait between two tries to reach the broker.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Returns what was pending and not in our hands, in stream order. Tries until the broker answers.
///
/// After twice `ack_wait` it goes on without what does not come: the server has given those messages up.
pub(super) async fn take_over(
    source: &mut dyn Source,
    home: &Home,
    ack_wait: Duration,
    actor: &str,
) -> Vec<Arrival> {
    let mut held = BTreeMap::new();
    let mut wait = Duration::from_millis(50);
    let mut give_up = None;
    let mut reported = false;
    loop {
        match claim_missing(source, home, &mut held).await {
            Ok(0) => break,
            Ok(missing) => {
                if Instant::now() >= *give_up.get_or_insert_with(|| Instant::now() + ack_wait * 2) {
                    warn!(actor, missing, "pending messages do not come back, going on without them");
                    break;
                }
            }
            Err(error) => {
                if !reported {
                    warn!(actor, %error, "shard cannot be taken over yet");
                }
                reported = true;
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
        }
    }
    if reported || !held.is_empty() {
        info!(actor, claimed = held.len(), in_flight = home.ledger.len(), "shard taken over");
    }
    held.into_values().collect()
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
            let sequence = arrival.message.sequence;
            if home.ledger.is_settled(sequence) {
                home.settle.settle(&arrival.receipt, Settlement::Ack).await;
            } else if home.ledger.holds(sequence) {
                home.ledger.renew(sequence, &arrival.receipt);
            } else {
                held.insert(sequence, arrival);
            }
        }
    }
    Ok(())
}
