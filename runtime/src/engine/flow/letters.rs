//! Counts the dead letters that an actor has, while that is ours to do.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tracing::debug;

use super::board::Board;
use crate::engine::duty::Duty;
use crate::engine::membership::Assignment;
use crate::message::ShardId;
use crate::port::Tally;

/// How often they are counted.
const PERIOD: Duration = Duration::from_secs(2);

/// The dead letters of one actor.
pub struct LettersPlan {
    /// Who has this shard counts them.
    pub duty: ShardId,
    /// Counts them.
    pub tally: Box<dyn Tally>,
}

/// Counts whenever it is ours to do, without an end.
pub(super) async fn keep(
    mut plan: LettersPlan,
    board: watch::Sender<Board>,
    assignment: watch::Receiver<Assignment>,
) {
    let actor = Arc::clone(&plan.duty.actor);
    let note = |held: Option<u64>| {
        board.send_if_modified(|board| {
            board.hold_letters(&actor, held);
            false
        });
    };
    let mut duty = Duty::new(plan.duty.clone(), assignment);
    loop {
        duty.assigned().await;
        let mut relief = duty.clone();
        let counting = async {
            loop {
                let counted = plan.tally.count().await;
                if let Err(error) = &counted {
                    debug!(%actor, %error, "the dead letters cannot be counted");
                }
                note(counted.ok());
                sleep(PERIOD).await;
            }
        };
        tokio::select! {
            () = relief.relieved() => {}
            () = counting => {}
        }
        note(None);
    }
}

impl std::fmt::Debug for LettersPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LettersPlan").field("duty", &self.duty).finish_non_exhaustive()
    }
}
