//! What stops an actor's intake: its control, or an output that is past its mark or may soon be.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::allowance::{Allowance, UNLIMITED};
use super::board::Board;
use super::outlet::Outlet;
use crate::engine::control::Helm;
use crate::engine::membership::Assignment;
use crate::engine::status::{ActorStatus, ShardStatus};
use crate::message::{ControlState, Flow, FlowState};

/// How long until an output that had no room is looked at again.
const AGAIN: Duration = Duration::from_millis(50);

/// How long what was seen is relied upon: others emit, too.
const ROUTINE: Duration = Duration::from_secs(1);

/// What an actor may take in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// As much as there is room for.
    Open,
    /// Nothing: an output is past its mark. What was asked for may arrive.
    Full,
    /// Nothing: it was told so. What was asked for is taken back.
    Closed,
    /// One message whenever one is wanted. What was asked for is taken back.
    Single,
}

/// The gates of one actor in this instance: all its shards pull only while they are open.
pub(crate) struct Gate {
    pub(crate) actor: Arc<str>,
    pub(crate) helm: Arc<Helm>,
    pub(crate) outlets: Vec<Outlet>,
    pub(crate) shards: Vec<Arc<ShardStatus>>,
    pub(crate) board: watch::Receiver<Board>,
    pub(crate) assignment: watch::Receiver<Assignment>,
    pub(crate) status: Arc<ActorStatus>,
    pub(crate) passage: watch::Sender<Passage>,
    pub(crate) allowance: Arc<Allowance>,
}

impl Passage {
    /// Whether anything may be pulled.
    pub(crate) fn lets_in(self) -> bool {
        matches!(self, Self::Open | Self::Single)
    }

    /// Whether what was asked for shall not arrive either.
    pub(crate) fn takes_back(self) -> bool {
        matches!(self, Self::Closed | Self::Single)
    }

    /// Before it is known how full the outputs are.
    pub(crate) fn at_first(control: ControlState) -> Self {
        if control == ControlState::Working { Self::Open } else { Self::Closed }
    }

    fn of(control: ControlState, is_full: bool) -> Self {
        match control {
            ControlState::Working if is_full => Self::Full,
            ControlState::Working => Self::Open,
            ControlState::Probing if !is_full => Self::Single,
            ControlState::Probing | ControlState::Paused | ControlState::Draining | ControlState::Unknown => {
                Self::Closed
            }
        }
    }
}

impl Gate {
    /// Opens and closes, without an end.
    pub(crate) async fn keep(mut self) {
        let (allowance, helm) = (Arc::clone(&self.allowance), Arc::clone(&self.helm));
        let mut control = helm.control();
        let has_outlets = !self.outlets.is_empty();
        self.measure().await;
        loop {
            let was_single = *self.passage.borrow() == Passage::Single;
            let until = self.look(control.borrow_and_update().state);
            let is_single = *self.passage.borrow() == Passage::Single;
            if was_single && !is_single {
                self.measure().await;
            }
            let stale = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.board.changed(), if has_outlets => if changed.is_err() {
                    return;
                },
                // The helm keeps the sender.
                _ = control.changed() => {}
                () = stale => {}
                () = helm.wanted(), if is_single => allowance.renew(1),
                () = allowance.spent(), if !is_single => self.measure().await,
                () = sleep(ROUTINE), if has_outlets && !is_single => self.measure().await,
            }
        }
    }

    /// Returns until when it stays closed if nothing is said.
    fn look(&mut self, control: ControlState) -> Option<Instant> {
        let now = Instant::now();
        let board = self.board.borrow_and_update();
        let stopped = |outlet: &Outlet| {
            let (flow, until) = board.holding(&outlet.stream, now)?;
            (flow.state == FlowState::Stop).then(|| (flow.clone(), until))
        };
        let stopped: Vec<(Flow, Instant)> = self.outlets.iter().filter_map(stopped).collect();
        drop(board);
        let by = stopped.first().map(|(flow, _)| flow);
        let passage = Passage::of(control, by.is_some());
        if passage == Passage::Single && *self.passage.borrow() != passage {
            self.allowance.renew(0);
        }
        self.passage.send_if_modified(|before| std::mem::replace(before, passage) != passage);
        let was_full = self.status.gate(by.map(|flow| flow.stream.as_str()));
        if was_full != by.is_some() {
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
