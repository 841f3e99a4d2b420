//! What stops an actor's intake: an output that is past its mark, or may soon be.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::allowance::{Allowance, UNLIMITED};
use super::board::Board;
use super::outlet::Outlet;
use crate::engine::membership::Assignment;
use crate::engine::status::{ActorStatus, ShardStatus};
use crate::message::{Flow, FlowState};

/// How long until an output that had no room is looked at again.
const AGAIN: Duration = Duration::from_millis(50);

/// How long what was seen is relied upon: others emit, too.
const ROUTINE: Duration = Duration::from_secs(1);

/// The gates of one actor in this instance: all its shards pull only while they are open.
pub(crate) struct Gate {
    pub(crate) actor: Arc<str>,
    pub(crate) outlets: Vec<Outlet>,
    pub(crate) shards: Vec<Arc<ShardStatus>>,
    pub(crate) board: watch::Receiver<Board>,
    pub(crate) assignment: watch::Receiver<Assignment>,
    pub(crate) status: Arc<ActorStatus>,
    pub(crate) is_closed: watch::Sender<bool>,
    pub(crate) allowance: Arc<Allowance>,
}

impl Gate {
    /// Opens and closes, without an end.
    pub(crate) async fn keep(mut self) {
        if self.outlets.is_empty() {
            return;
        }
        let allowance = Arc::clone(&self.allowance);
        self.measure().await;
        loop {
            let until = self.look();
            let stale = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.board.changed() => if changed.is_err() {
                    return;
                },
                () = stale => {}
                () = allowance.spent() => self.measure().await,
                () = sleep(ROUTINE) => self.measure().await,
            }
        }
    }

    /// Returns until when it stays closed if nothing is said.
    fn look(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let board = self.board.borrow_and_update();
        let stopped = |outlet: &Outlet| {
            let (flow, until) = board.holding(&outlet.stream, now)?;
            (flow.state == FlowState::Stop).then(|| (flow.clone(), until))
        };
        let stopped: Vec<(Flow, Instant)> = self.outlets.iter().filter_map(stopped).collect();
        drop(board);
        let by = stopped.first().map(|(flow, _)| flow);
        let has_turned = self
            .is_closed
            .send_if_modified(|is_closed| std::mem::replace(is_closed, by.is_some()) != by.is_some());
        self.status.gate(by.map(|flow| flow.stream.as_str()));
        if has_turned {
            match by {
                Some(flow) => warn!(
                    actor = %self.actor, "intake stopped: stream `{}` is past its mark ({})",
                    flow.stream, flow.pressure.as_ref().map_or_else(|| "nobody says why".to_owned(), ToString::to_string)
                ),
                None => info!(actor = %self.actor, "intake resumed"),
            }
        }
        stopped.iter().map(|(_, until)| *until).min()
    }

    /// Looks how much room there is beyond what is in hand, and lets in half of it: others emit, too.
    async fn measure(&mut self) {
        let mut room = None;
        for outlet in &mut self.outlets {
            let next = outlet.room().await;
            room = room.into_iter().chain(next).min();
        }
        let instances = self.assignment.borrow().owners.values().collect::<BTreeSet<_>>().len().max(1) as u64;
        let in_hand: usize = self.shards.iter().map(|shard| shard.in_flight()).sum();
        let left = match room.map(|room| room.saturating_sub(in_hand as u64)) {
            None => UNLIMITED,
            Some(0) => 0,
            Some(room) => (room / 2 / instances).max(1),
        };
        self.allowance.renew(left);
        if left == 0 {
            sleep(AGAIN).await;
            self.allowance.share(1);
        }
    }
}
