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

/// What is seen of a shard at one moment.
#[derive(Debug, Clone, Copy)]
struct Seen {
    state: ShardState,
    /// For how long it has been in that state.
    lasting: Duration,
    in_flight: u64,
    /// For how long nothing has moved.
    silence: Duration,
    /// Whether it waits for the broker, or for somebody's word: that is no fault of the shard.
    is_waiting: bool,
}

impl Seen {
    fn trouble(self, id: &ShardId, patience: Patience) -> Option<Trouble> {
        let Self { state, lasting, in_flight, silence, is_waiting } = self;
        let shard = id.clone();
        match state {
            ShardState::Failed => Some(Trouble::Failed(shard)),
            ShardState::TakingOver if lasting > patience.claim => Some(Trouble::TakingOver(shard, lasting)),
            ShardState::Working if silence > patience.attempt && !is_waiting => {
                Some(Trouble::Still { shard, in_flight, silence })
            }
            _ => None,
        }
    }
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
            let may_work = watched.helm.control().borrow().state == ControlState::Working;
            let is_waiting = watched.status.is_blocked() || !may_work;
            watched.shards.iter().filter_map(move |shard| {
                let (state, lasting) = shard.state()?;
                let (in_flight, silence) = shard.silence();
                let seen = Seen { state, lasting, in_flight, silence, is_waiting };
                seen.trouble(shard.id(), watched.patience)
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

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_secs(5);
    const LONG: Duration = Duration::from_secs(50);

    /// What is wrong with a shard, by the beginning of what is said.
    fn told(seen: Seen) -> Option<&'static str> {
        let shard = ShardId { actor: "worker".into(), shard: 0 };
        let patience = Patience { attempt: SHORT * 2, claim: SHORT * 2 };
        match seen.trouble(&shard, patience)? {
            Trouble::Failed(_) => Some("failed"),
            Trouble::TakingOver(..) => Some("taking over"),
            Trouble::Still { .. } => Some("still"),
            Trouble::Blocked { .. } => Some("blocked"),
        }
    }

    #[test]
    fn a_shard_is_in_trouble_when_it_has_failed_or_takes_too_long_for_what_it_does() {
        let well = Seen {
            state: ShardState::Working,
            lasting: LONG,
            in_flight: 1,
            silence: SHORT,
            is_waiting: false,
        };
        let taking_over = Seen { state: ShardState::TakingOver, lasting: SHORT, silence: LONG, ..well };

        assert_eq!(told(well), None);
        assert_eq!(told(Seen { silence: LONG, ..well }), Some("still"));
        assert_eq!(told(Seen { silence: LONG, is_waiting: true, ..well }), None);
        assert_eq!(told(taking_over), None);
        assert_eq!(told(Seen { lasting: LONG, ..taking_over }), Some("taking over"));
        assert_eq!(told(Seen { state: ShardState::Failed, is_waiting: true, ..well }), Some("failed"));
        assert_eq!(told(Seen { state: ShardState::Waiting, silence: LONG, ..well }), None);
    }
}
