//! What came of an event.

use std::time::Duration;

use serde_json::Value;

use crate::{Decision, HandlerError, Outgoing, codec};

/// What came of an event, after all its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The sequence it got in the stream; see [`Lanes::redeliver`](super::Lanes::redeliver).
    pub sequence: u64,
    /// How often the handler ran: 0 for a message that had been applied before and was only acked.
    pub attempts: u32,
    /// What is published; nothing unless an attempt succeeded.
    pub emits: Vec<Outgoing>,
    /// Where that is published to; empty unless [`Lanes::emits`](super::Lanes::emits) maps the ports.
    pub subjects: Vec<String>,
    /// How long the entity waits before each further attempt, without jitter.
    pub waits: Vec<Duration>,
    /// Why attempts failed, first to last.
    pub failures: Vec<Failure>,
    /// That no attempt succeeded, and why there is no other.
    pub dead_letter: Option<DeadLetter>,
}

impl Outcome {
    pub(super) fn of(sequence: u64) -> Self {
        Self {
            sequence,
            attempts: 0,
            emits: Vec::new(),
            subjects: Vec::new(),
            waits: Vec::new(),
            failures: Vec::new(),
            dead_letter: None,
        }
    }

    /// Whether the message is acked, by this delivery or because of an earlier one.
    pub fn is_done(&self) -> bool {
        self.dead_letter.is_none()
    }

    /// The JSON payloads that are emitted through a port, in order.
    ///
    /// # Panics
    /// When one of them is not JSON; those are in [`emits`](Self::emits).
    #[track_caller]
    pub fn emitted(&self, port: &str) -> Vec<Value> {
        let through_port = self.emits.iter().filter(|emit| emit.port == port);
        through_port.map(|emit| codec::from_json(&emit.payload).expect("the payload is JSON")).collect()
    }
}

/// An attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What ended it.
    pub cause: Cause,
    /// The error and its sources, outermost first.
    pub errors: Vec<String>,
}

impl Failure {
    pub(super) fn new(cause: Cause, error: impl Into<String>) -> Self {
        Self { cause, errors: vec![error.into()] }
    }
}

impl From<HandlerError> for Failure {
    fn from(error: HandlerError) -> Self {
        Self { cause: Cause::Error(error.decision()), errors: error.chain().collect() }
    }
}

/// What ended an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The handler returned an error that decides so.
    Error(Decision),
    /// The handler panicked.
    Panic,
    /// The handler took longer than the timeout.
    Timeout,
}

/// What the dead-letter stream would get.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Why there is no further attempt.
    pub reason: Reason,
    /// The last attempt's error and its sources, outermost first.
    pub errors: Vec<String>,
}

/// Why a message is dead-lettered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Every attempt failed.
    Failed,
    /// The handler said that no retry can cure it.
    Terminal,
    /// The payload, or the stored state, is not what the handler takes.
    Undecodable,
}
