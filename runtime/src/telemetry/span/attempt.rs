//! The span of one attempt, within which the handler runs.

use std::time::Duration;

use futures_util::future::Either;
use opentelemetry::Context;
use opentelemetry::trace::FutureExt;

use super::scope::Scope;
use super::vocabulary::{self, RETRY};
use crate::message::PartitionId;

/// What the span of an attempt shows.
#[derive(Debug, Clone, Copy)]
pub struct ProcessFields {
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// The partition that runs it.
    pub partition: PartitionId,
    /// The hash of the message's key.
    pub key_hash: u32,
}

/// The span of one attempt; ends when dropped.
#[derive(Debug, Default)]
pub struct AttemptSpan(Scope);

impl AttemptSpan {
    pub(super) fn new(scope: Scope) -> Self {
        Self(scope)
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.0
    }

    /// The context for what happens within the attempt.
    pub fn context(&self) -> Context {
        self.0.context().cloned().unwrap_or_default()
    }

    /// Runs `future` within the attempt: spans and logs it makes belong to it, and nothing in it starts another trace.
    pub fn wrap<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        match self.0.context() {
            Some(context) => Either::Left(future.with_context(context.clone())),
            None => Either::Right(future),
        }
    }

    /// Marks the attempt as failed.
    pub fn failed(&mut self, cause: &'static str, error: &str) {
        self.0.failed(cause, error);
    }

    /// Notes that the message is tried again after `delay`.
    pub fn retry_in(&mut self, delay: Duration) {
        if let Some(span) = self.0.span() {
            span.add_event(RETRY, vocabulary::retry(delay));
        }
    }

    /// Says what became of the message.
    pub fn outcome(&mut self, outcome: &'static str) {
        if let Some(span) = self.0.span() {
            span.set_attribute(vocabulary::outcome(outcome));
        }
    }
}
