//! How an attempt can fail, and what follows from it.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tidegate::{Decision, HandlerError};

use super::{Reason, RetryPolicy};

/// How many links of an error chain a failure keeps.
const MAX_ERRORS: usize = 8;
/// How many bytes of each it keeps.
const MAX_ERROR_LEN: usize = 1024;

/// An attempt that failed: one line of a dead letter's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// When the attempt started.
    #[serde(with = "super::timestamp")]
    pub started: SystemTime,
    /// What ended it.
    pub cause: Cause,
    /// The error and its sources, outermost first.
    pub errors: Vec<String>,
}

/// What ended a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// The handler returned an error.
    Error,
    /// The handler returned an error and said when to try again.
    RetryAfter(Duration),
    /// The handler returned an error that no retry can cure.
    Terminal,
    /// The payload or the stored state is not what the handler takes.
    Undecodable,
    /// The handler panicked.
    Panic,
    /// The handler took longer than the actor's `timeout`.
    Timeout,
    /// The partition died while the attempt ran.
    PartitionDied,
    /// The process died while the attempt ran.
    ProcessDied,
}

impl Cause {
    /// All names that [`as_str`](Self::as_str) gives.
    pub const NAMES: [&'static str; 7] =
        ["error", "terminal", "undecodable", "panic", "timeout", "partition_died", "process_died"];

    /// The cause's name, as metrics and traces show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error | Self::RetryAfter(_) => "error",
            Self::Terminal => "terminal",
            Self::Undecodable => "undecodable",
            Self::Panic => "panic",
            Self::Timeout => "timeout",
            Self::PartitionDied => "partition_died",
            Self::ProcessDied => "process_died",
        }
    }
}

impl From<Decision> for Cause {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::RetryAfter(delay) => Self::RetryAfter(delay),
            Decision::Terminal => Self::Terminal,
            Decision::Undecodable => Self::Undecodable,
            _ => Self::Error,
        }
    }
}

impl Failure {
    /// The failure that a handler's error stands for.
    pub fn from_error(attempt: u32, started: SystemTime, error: &HandlerError) -> Self {
        let errors = error.chain().take(MAX_ERRORS).map(clipped).collect();
        Self { attempt, started, cause: error.decision().into(), errors }
    }

    /// A failure that is not an error of the handler.
    pub fn new(attempt: u32, started: SystemTime, cause: Cause, error: impl Into<String>) -> Self {
        Self { attempt, started, cause, errors: vec![clipped(error.into())] }
    }
}

fn clipped(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_ERROR_LEN));
    text
}

/// What becomes of a message after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Try again after this long.
    Retry(Duration),
    /// Give up.
    DeadLetter(Reason),
}

impl Verdict {
    /// Decides by the cause and by how many tries are left. `jitter`, between 0 and 1, spreads the waits.
    pub fn after(failure: &Failure, policy: &RetryPolicy, jitter: f64) -> Self {
        match failure.cause {
            Cause::Terminal => Self::DeadLetter(Reason::Terminal),
            Cause::Undecodable => Self::DeadLetter(Reason::Undecodable),
            // It may have died of something else; who counts how often is the engine.
            Cause::ProcessDied => Self::Retry(Duration::ZERO),
            _ if failure.attempt >= policy.max_deliver => Self::DeadLetter(Reason::Failed),
            Cause::RetryAfter(delay) => Self::Retry(delay),
            Cause::Error | Cause::Panic | Cause::Timeout | Cause::PartitionDied => {
                Self::Retry(policy.delay(failure.attempt, jitter))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(attempt: u32, cause: Cause) -> Verdict {
        let policy = RetryPolicy { max_deliver: 3, backoff: vec![Duration::from_secs(1)] };
        Verdict::after(&Failure::new(attempt, SystemTime::UNIX_EPOCH, cause, "boom"), &policy, 0.0)
    }

    #[test]
    fn retries_until_the_tries_are_used_up() {
        assert_eq!(verdict(1, Cause::Panic), Verdict::Retry(Duration::from_secs(1)));
        assert_eq!(verdict(2, Cause::Timeout), Verdict::Retry(Duration::from_secs(1)));
        assert_eq!(verdict(3, Cause::Error), Verdict::DeadLetter(Reason::Failed));
    }

    #[test]
    fn waits_as_long_as_the_handler_says_but_not_for_ever() {
        let later = Cause::RetryAfter(Duration::from_secs(60));

        assert_eq!(verdict(1, later), Verdict::Retry(Duration::from_secs(60)));
        assert_eq!(verdict(3, later), Verdict::DeadLetter(Reason::Failed));
    }

    #[test]
    fn every_cause_is_named() {
        let causes = [
            Cause::Error,
            Cause::RetryAfter(Duration::ZERO),
            Cause::Terminal,
            Cause::Undecodable,
            Cause::Panic,
            Cause::Timeout,
            Cause::PartitionDied,
            Cause::ProcessDied,
        ];

        assert!(causes.iter().all(|cause| Cause::NAMES.contains(&cause.as_str())));
    }

    #[test]
    fn gives_up_at_once_on_what_no_retry_can_cure() {
        assert_eq!(verdict(1, Cause::Terminal), Verdict::DeadLetter(Reason::Terminal));
        assert_eq!(verdict(1, Cause::Undecodable), Verdict::DeadLetter(Reason::Undecodable));
    }
}
