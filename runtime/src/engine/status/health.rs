//! Whether what this instance has moves: shards that have failed or stand still, and threads that a handler blocks.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Watch;
use crate::message::{ControlState, ShardId, ShardState};

/// What keeps a shard or a thread of this instance from its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// A partition died too often.
    Failed(ShardId),
    /// It cannot collect what was delivered before.
    TakingOver(ShardId, Duration),
    /// It has messages, and nothing becomes of them.
    Still {
        /// Which.
        shard: ShardId,
        /// How many messages it has.
        in_flight: u64,
        /// For how long nothing has moved.
        silence: Duration,
    },
    /// A handler does not give its thread back.
    Blocked {
        /// Which of the process's threads, from 0.
        thread: usize,
        /// The actor whose handler has it, with the partition, if one has.
        holder: Option<(String, u64)>,
        /// For how long.
        silence: Duration,
    },
}

/// How long the shards of an actor may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// From one end of an attempt to the next, while there is work.
    pub(crate) attempt: Duration,
    /// For a take-over.
    pub(crate) claim: Duration,
}

impl Trouble {
    /// What it is the same trouble by, whatever it says.
    pub fn subject(&self) -> String {
        match self {
            Self::Failed(shard) => format!("failed {shard}"),
            Self::TakingOver(shard, _) => format!("taking over {shard}"),
            Self::Still { shard, .. } => format!("still {shard}"),
            Self::Blocked { thread, .. } => format!("thread {thread}"),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(shard) => write!(f, "shard {shard} has failed: a partition died too often"),
            Self::TakingOver(shard, time) => write!(
                f,
                "shard {shard} stands still: it has been collecting what was delivered before for {} s",
                time.as_secs()
            ),
            Self::Still { shard, in_flight, silence } => write!(
                f,
                "shard {shard} stands still: of its {in_flight} messages in flight none has moved for {} s",
                silence.as_secs()
            ),
            Self::Blocked { thread, holder, silence } => {
                let seconds = silence.as_secs();
                match holder {
                    Some((actor, partition)) => write!(
                        f,
                        "thread {thread} stands still: the handler of `{actor}`, partition {partition}, has blocked it \
                         for {seconds} s"
                    ),
                    None => write!(f, "thread {thread} has stood still for {seconds} s"),
                }
            }
        }
    }
}

impl Watch {
    /// What keeps shards and threads of this instance from their work.
    pub fn troubles(&self) -> Vec<Trouble> {
        let blocked = self.pulses.iter().enumerate().filter(|(_, pulse)| pulse.is_silent());
        let threads = blocked.map(|(thread, pulse)| {
            let holder = pulse.holder().map(|(actor, partition, _)| (actor.to_owned(), partition));
            Trouble::Blocked { thread, holder, silence: pulse.silence() }
        });
        let shards = self.actors.iter().flat_map(|watched| {
            // What waits for the broker, or for somebody's word, is no fault of the shard.
            let may_work = watched.helm.control().borrow().state == ControlState::Working;
            let is_waiting = watched.status.is_blocked() || !may_work;
            watched.shards.iter().filter_map(move |shard| {
                let (state, lasting) = shard.state()?;
                let (in_flight, silence) = shard.silence();
                let id = || shard.id().clone();
                match state {
                    ShardState::Failed => Some(Trouble::Failed(id())),
                    ShardState::TakingOver if lasting > watched.patience.claim => {
                        Some(Trouble::TakingOver(id(), lasting))
                    }
                    ShardState::Working if silence > watched.patience.attempt && !is_waiting => {
                        Some(Trouble::Still { shard: id(), in_flight, silence })
                    }
                    _ => None,
                }
            })
        });
        threads.chain(shards).collect()
    }

    /// For how long the thread that has been silent the longest has been so.
    pub fn longest_silence(&self) -> Duration {
        self.pulses.iter().map(|pulse| pulse.silence()).max().unwrap_or_default()
    }

    /// Watches these threads, too.
    pub(crate) fn feel(&mut self, pulses: impl IntoIterator<Item = Arc<super::Pulse>>) {
        self.pulses.extend(pulses);
    }
}
