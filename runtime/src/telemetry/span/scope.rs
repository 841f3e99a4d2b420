//! A context that something runs in, and the span of ours that ends with it.

use opentelemetry::Context;
use opentelemetry::trace::{SpanRef, Status, TraceContextExt};
use opentelemetry_sdk::trace::SdkTracer;

use super::vocabulary::{self, EXCEPTION};

/// A context to run in and to pass on, if there is one; where it is recorded, its span is ours and ends on drop.
#[derive(Debug, Default)]
pub(super) struct Scope {
    context: Option<Context>,
    recorder: Option<&'static SdkTracer>,
}

impl Scope {
    /// A context to pass on without recording anything.
    pub(super) fn passing(context: Option<Context>) -> Self {
        Self { context, recorder: None }
    }

    /// The context of a span that was started with `recorder`.
    pub(super) fn recording(context: Context, recorder: &'static SdkTracer) -> Self {
        Self { context: Some(context), recorder: Some(recorder) }
    }

    pub(super) fn context(&self) -> Option<&Context> {
        self.context.as_ref()
    }

    pub(super) fn recorder(&self) -> Option<&'static SdkTracer> {
        self.recorder
    }

    /// The span, where one is recorded.
    pub(super) fn span(&self) -> Option<SpanRef<'_>> {
        self.recorder.and(self.context.as_ref()).map(Context::span)
    }

    /// Marks the span as failed.
    pub(super) fn failed(&self, cause: &'static str, error: &str) {
        if let Some(span) = self.span() {
            span.set_status(Status::error(error.to_owned()));
            span.set_attributes(vocabulary::failure(cause));
            span.add_event(EXCEPTION, vocabulary::exception(cause, error));
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        // Others may hold clones of the context: the span must not wait for them.
        if let Some(span) = self.span() {
            span.end();
        }
    }
}

/// The span of a settlement; ends when dropped.
#[derive(Debug, Default)]
#[must_use = "the span ends when this is dropped"]
pub struct SettleSpan {
    _scope: Scope,
}

impl SettleSpan {
    pub(super) fn new(scope: Scope) -> Self {
        Self { _scope: scope }
    }
}
