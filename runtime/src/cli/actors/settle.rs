//! Waits until nothing of an actor is in hand any more.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Bridge;
use crate::cli::failure::Failure;
use crate::nats::{Backlog, ConsumerPlan};

/// How often the server is asked.
const LOOK: Duration = Duration::from_millis(500);

/// In how many looks in a row nothing has to be in hand: an instance may have asked for messages before it heard that
/// it shall drain.
const LOOKS: u32 = 3;

/// What is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// Nothing.
    All,
    /// So many messages when time ran out.
    AllBut(u64),
}

/// Waits at most `limit`.
pub(super) async fn settled(bridge: &Bridge, actor: &str, limit: Duration) -> Result<Settled, Failure> {
    let deadline = Instant::now() + limit;
    let mut idle = 0;
    loop {
        let left = in_hand(bridge, actor).await?;
        idle = if left == 0 { idle + 1 } else { 0 };
        if idle >= LOOKS {
            return Ok(Settled::All);
        }
        if Instant::now() >= deadline {
            return Ok(Settled::AllBut(left));
        }
        sleep(LOOK).await;
    }
}

async fn in_hand(bridge: &Bridge, actor: &str) -> Result<u64, Failure> {
    let Some(actor) = bridge.topology.actors.get(actor) else { return Ok(0) };
    let mut left = 0;
    for shard in 0..actor.shards {
        let plan = ConsumerPlan::of(&bridge.topology, actor, shard);
        left += Backlog::find(&bridge.connection, &plan).await?.map_or(0, |backlog| backlog.unsettled);
    }
    Ok(left)
}
