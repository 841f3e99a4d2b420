//! The span of a published message, which becomes the parent of whatever its receivers do.

use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, TraceContextExt, Tracer};
use opentelemetry_sdk::trace::SdkTracer;
use tidegate::Headers;

use super::AttemptSpan;
use super::scope::Scope;
use super::vocabulary::{self, PUBLISH, name};
use crate::telemetry::propagation;

/// Starts the span of a message that the attempt emits, `publish {destination}`.
///
/// `destination` is the subject with its tokens as placeholders.
pub fn publish(parent: &AttemptSpan, destination: &str, port: &str) -> PublishSpan {
    let scope = parent.scope();
    PublishSpan::start(scope.context(), scope.recorder(), destination, port)
}

/// The span of one published message; ends when dropped.
#[derive(Debug, Default)]
pub struct PublishSpan(Scope);

impl PublishSpan {
    pub(super) fn start(
        parent: Option<&Context>,
        recorder: Option<&'static SdkTracer>,
        destination: &str,
        port: &str,
    ) -> Self {
        let Some((parent, recorder)) = parent.zip(recorder) else {
            return Self(Scope::passing(parent.cloned()));
        };
        let span = recorder
            .span_builder(name(PUBLISH, destination))
            .with_kind(SpanKind::Producer)
            .with_attributes(vocabulary::publish(destination, port))
            .start_with_context(recorder, parent);
        Self(Scope::recording(parent.with_span(span), recorder))
    }

    /// Says what is published, and where to.
    pub fn describe(&self, subject: &str, message_id: &str, body_size: usize) {
        if let Some(span) = self.0.span() {
            span.set_attributes(vocabulary::published(subject, message_id, body_size));
        }
    }

    /// Passes the context on with the message, sampled or not.
    pub fn inject(&self, headers: &mut Headers) {
        if let Some(context) = self.0.context() {
            propagation::inject(context, headers);
        }
    }

    /// Marks the publish as failed.
    pub fn failed(&mut self, cause: &'static str, error: &str) {
        self.0.failed(cause, error);
    }
}
