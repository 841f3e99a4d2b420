//! What a handler knows besides its input.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::erased::Attempt;
use crate::{Headers, Message};

/// The entity's state, and what is known about the message and the attempt.
#[derive(Debug)]
pub struct Context<S> {
    /// The entity's state, kept from message to message; changes of a failed attempt are forgotten.
    pub state: S,
    message: Arc<Message>,
    attempt: Attempt,
}

impl<S> Context<S> {
    pub(crate) fn new(state: S, message: Arc<Message>, attempt: Attempt) -> Self {
        Self { state, message, attempt }
    }

    /// What the message is about; empty when it has no key.
    pub fn key(&self) -> &str {
        &self.message.key
    }

    /// The subject that the message was published to.
    pub fn subject(&self) -> &str {
        &self.message.subject
    }

    /// The subject's token of that name: `42` for `order`, when `orders.{order}.placed` is `orders.42.placed`.
    pub fn token(&self, name: &str) -> Option<&str> {
        self.message.token(name)
    }

    /// The headers that the message was published with.
    pub fn headers(&self) -> &Headers {
        &self.message.headers
    }

    /// The stream that holds the message.
    pub fn stream(&self) -> &str {
        &self.message.stream
    }

    /// The message's sequence in its stream. With the stream's name it is a good idempotency key.
    pub fn sequence(&self) -> u64 {
        self.message.sequence
    }

    /// When the stream stored the message, by the server's clock.
    pub fn published(&self) -> SystemTime {
        self.message.published
    }

    /// Which attempt of the message this is; the first is 1.
    pub fn attempt(&self) -> u32 {
        self.attempt.number
    }

    /// When the attempt is ended by the actor's `timeout`, and counted as failed.
    pub fn deadline(&self) -> Instant {
        self.attempt.deadline
    }

    /// How long it is until the deadline; zero once that has passed.
    pub fn remaining(&self) -> Duration {
        self.attempt.deadline.saturating_duration_since(Instant::now())
    }
}
