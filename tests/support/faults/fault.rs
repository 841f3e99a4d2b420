//! What was done to a run, and when.

use serde::{Deserialize, Serialize};

use super::Moment;

/// One fault, from its first effect to the end of its direct effects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// When it began.
    pub start: Moment,
    /// When what it broke was there again.
    pub end: Moment,
}

/// What was broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum FaultKind {
    /// An instance was killed with SIGKILL.
    Kill {
        /// The process.
        pid: u32,
    },
    /// An instance ended by itself, and nobody had asked it to.
    Crash {
        /// The process.
        pid: u32,
    },
    /// An instance was stopped and continued.
    Freeze {
        /// The process.
        pid: u32,
    },
    /// An instance was asked to drain with SIGTERM.
    Terminate {
        /// The process.
        pid: u32,
        /// Its exit code; `None` when a signal ended it.
        code: Option<i32>,
    },
    /// The broker was killed and started again.
    BrokerKill,
    /// The broker was stopped and continued.
    BrokerFreeze,
    /// A consumer was deleted under the runtime.
    ConsumerDeleted {
        /// Its shard.
        shard: u32,
    },
    /// A stream's or a consumer's leader stepped down.
    StepDown,
    /// The dead-letter stream took nothing.
    DeadLettersBlocked,
    /// The stream of the outputs took nothing.
    OutputsBlocked,
}

impl FaultKind {
    /// Its name, as in the log and in a plan.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kill { .. } => "kill",
            Self::Crash { .. } => "crash",
            Self::Freeze { .. } => "freeze",
            Self::Terminate { .. } => "terminate",
            Self::BrokerKill => "broker_kill",
            Self::BrokerFreeze => "broker_freeze",
            Self::ConsumerDeleted { .. } => "consumer_deleted",
            Self::StepDown => "step_down",
            Self::DeadLettersBlocked => "dead_letters_blocked",
            Self::OutputsBlocked => "outputs_blocked",
        }
    }

    /// Whether effects were not taken while it lasted, so that a shard that changed its owner was tried again there.
    pub fn holds_up_effects(&self) -> bool {
        matches!(self, Self::OutputsBlocked)
    }

    /// Whether the server may have lost acks, or what was settled is not known to the one who asks.
    pub fn is_of_the_broker(&self) -> bool {
        matches!(self, Self::BrokerKill | Self::BrokerFreeze | Self::ConsumerDeleted { .. } | Self::StepDown)
    }
}
