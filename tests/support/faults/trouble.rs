//! What can be done to a run.

use std::time::Duration;

use super::Target;

/// One fault to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Kills an instance, and starts another in its place after a while.
    Kill {
        /// Its place.
        instance: usize,
        /// How long the place is empty.
        absent: Duration,
    },
    /// Stops an instance and continues it.
    Freeze {
        /// Its place.
        instance: usize,
        /// How long.
        still: Duration,
    },
    /// Asks an instance to drain, waits for its end, and starts another in its place.
    Terminate {
        /// Its place.
        instance: usize,
    },
    /// Kills the broker, or a server of it.
    BrokerKill {
        /// Which server.
        target: Target,
        /// How long it is down.
        down: Duration,
    },
    /// Stops the broker, or a server of it.
    BrokerFreeze {
        /// Which server.
        target: Target,
        /// How long.
        still: Duration,
    },
    /// Deletes a shard's consumer.
    DeleteConsumer {
        /// The shard.
        shard: u32,
    },
    /// Lets a leader step down. Needs replicas.
    StepDown {
        /// The leader.
        leader: Leader,
    },
    /// Lets the dead-letter stream take nothing for a while.
    BlockDeadLetters {
        /// How long.
        blocked: Duration,
    },
    /// Lets the output stream take nothing for a while, and kills an instance before it takes something again.
    KillWhileBlocked {
        /// Its place.
        instance: usize,
        /// How long.
        blocked: Duration,
    },
}

/// Who steps down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leader {
    /// The input stream's.
    Input,
    /// The output stream's.
    Output,
    /// The states'.
    State,
    /// That of a shard's consumer.
    Consumer {
        /// The shard.
        shard: u32,
    },
    /// That of all servers.
    Meta,
}

impl Trouble {
    /// The name of the fault that it causes.
    pub fn fault(self) -> &'static str {
        match self {
            Self::Kill { .. } => "kill",
            Self::Freeze { .. } => "freeze",
            Self::Terminate { .. } => "terminate",
            Self::BrokerKill { .. } => "broker_kill",
            Self::BrokerFreeze { .. } => "broker_freeze",
            Self::DeleteConsumer { .. } => "consumer_deleted",
            Self::StepDown { .. } => "step_down",
            Self::BlockDeadLetters { .. } => "dead_letters_blocked",
            Self::KillWhileBlocked { .. } => "outputs_blocked",
        }
    }
}
