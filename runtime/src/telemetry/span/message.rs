//! The trace of one delivery, from which the spans of its steps are started.

use std::sync::{Arc, OnceLock};

use opentelemetry::trace::{Span, SpanContext, SpanKind, TraceContextExt, TraceFlags, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;
use tidegate::Message;

use super::scope::{Scope, SettleSpan};
use super::vocabulary::{self, PROCESS, RECEIVE, SETTLE, name};
use super::{AttemptSpan, ProcessFields, PublishSpan};
use crate::telemetry::propagation::{self, RemoteParent};

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Makes sampled messages have spans, in the whole process; the first call wins.
pub(in crate::telemetry) fn install(tracer: SdkTracer) {
    TRACER.get_or_init(|| tracer);
}

/// What records spans, if anything does.
pub(super) fn tracer() -> Option<&'static SdkTracer> {
    TRACER.get()
}

/// The trace of one delivery: cheap to clone, and next to nothing when the message is not sampled.
#[derive(Debug, Clone, Default)]
pub struct MessageTrace(Trace);

#[derive(Debug, Clone, Default)]
enum Trace {
    /// There is nothing to record and nothing to pass on.
    #[default]
    Absent,
    /// Nothing is recorded; the context is passed on.
    Passed(Context),
    /// The message is sampled.
    Recorded(Arc<Recorded>),
}

#[derive(Debug)]
struct Recorded {
    tracer: &'static SdkTracer,
    receive: Context,
    /// The context that the message was created in; without one, that of `receive`.
    parent: Context,
    creation: Option<SpanContext>,
    destination: Box<str>,
    attributes: Vec<KeyValue>,
}

impl MessageTrace {
    /// Starts the trace of a message that has just been pulled, and its span `receive {destination}`.
    ///
    /// `destination` is the subject with its tokens as placeholders. Whether the message is sampled is for the configured
    /// sampler to say, which by default follows the publisher's decision.
    pub fn receive(message: &Message, destination: &str, actor: &str) -> Self {
        Self::start(tracer(), message, destination, actor)
    }

    pub(super) fn start(
        tracer: Option<&'static SdkTracer>,
        message: &Message,
        destination: &str,
        actor: &str,
    ) -> Self {
        let remote = propagation::extract(&message.headers);
        let Some(tracer) = tracer else {
            return Self(remote.map_or(Trace::Absent, |remote| Trace::Passed(remote.into_context())));
        };
        let creation = remote.as_ref().and_then(RemoteParent::span_context);
        let remote = remote.map(RemoteParent::into_context).unwrap_or_default();
        // The attributes come after the sampler's decision: most messages are not sampled, and should not pay for them.
        let mut span =
            tracer.span_builder(RECEIVE).with_kind(SpanKind::Client).start_with_context(tracer, &remote);
        if !span.span_context().is_sampled() {
            let passed = unsampled(creation.as_ref().unwrap_or(span.span_context()));
            return Self(Trace::Passed(remote.with_remote_span_context(passed)));
        }
        let attributes = vocabulary::received(message, destination, actor);
        span.update_name(name(RECEIVE, destination));
        span.set_attributes(vocabulary::operation(RECEIVE));
        span.set_attributes(attributes.iter().cloned());
        if let Some(creation) = &creation {
            span.add_link(creation.clone(), Vec::new());
        }
        let receive = remote.with_span(span);
        let parent = if creation.is_some() { remote } else { receive.clone() };
        let destination = destination.into();
        Self(Trace::Recorded(Arc::new(Recorded {
            tracer,
            receive,
            parent,
            creation,
            destination,
            attributes,
        })))
    }

    /// Ends the `receive` span: the message has come to its turn. Without this call it ends with the trace.
    pub fn received(&self) {
        if let Trace::Recorded(recorded) = &self.0 {
            recorded.receive.span().end();
        }
    }

    /// Starts the span of an attempt, `process {destination}`.
    pub fn process(&self, fields: &ProcessFields) -> AttemptSpan {
        AttemptSpan::new(self.step(PROCESS, SpanKind::Consumer, || vocabulary::attempt(fields)))
    }

    /// Starts the span of a settlement, `settle {destination}`; `outcome` is `ack`, `nak` or `term`.
    pub fn settle(&self, outcome: &'static str) -> SettleSpan {
        match &self.0 {
            Trace::Recorded(recorded) => {
                SettleSpan::new(recorded.step(SETTLE, SpanKind::Client, vec![vocabulary::outcome(outcome)]))
            }
            // A settlement passes nothing on.
            Trace::Absent | Trace::Passed(_) => SettleSpan::default(),
        }
    }

    /// Starts the span of a message that is published on this one's behalf but outside an attempt, such as a dead
    /// letter.
    pub fn publish(&self, destination: &str, port: &str) -> PublishSpan {
        let (parent, recorder) = match &self.0 {
            Trace::Absent => (None, None),
            Trace::Passed(context) => (Some(context), None),
            Trace::Recorded(recorded) => (Some(&recorded.parent), Some(recorded.tracer)),
        };
        PublishSpan::start(parent, recorder, destination, port)
    }

    /// The id of the trace that the message belongs to, recorded here or elsewhere.
    pub fn trace_id(&self) -> Option<String> {
        let context = match &self.0 {
            Trace::Absent => return None,
            Trace::Passed(context) => context,
            Trace::Recorded(recorded) => &recorded.receive,
        };
        let span = context.span();
        let span_context = span.span_context();
        span_context.is_valid().then(|| span_context.trace_id().to_string())
    }

    fn step(&self, step: &'static str, kind: SpanKind, attributes: impl FnOnce() -> Vec<KeyValue>) -> Scope {
        match &self.0 {
            Trace::Absent => Scope::default(),
            Trace::Passed(context) => Scope::passing(Some(context.clone())),
            Trace::Recorded(recorded) => recorded.step(step, kind, attributes()),
        }
    }
}

impl Recorded {
    fn step(&self, step: &'static str, kind: SpanKind, mut attributes: Vec<KeyValue>) -> Scope {
        attributes.extend(vocabulary::operation(step));
        attributes.extend(self.attributes.iter().cloned());
        let mut span = self
            .tracer
            .span_builder(name(step, &self.destination))
            .with_kind(kind)
            .with_attributes(attributes)
            .start_with_context(self.tracer, &self.parent);
        if let Some(creation) = &self.creation {
            span.add_link(creation.clone(), Vec::new());
        }
        Scope::recording(self.parent.with_span(span), self.tracer)
    }
}

/// The same context for those who must not record it either.
pub(super) fn unsampled(span_context: &SpanContext) -> SpanContext {
    SpanContext::new(
        span_context.trace_id(),
        span_context.span_id(),
        span_context.trace_flags() & !TraceFlags::SAMPLED,
        span_context.is_remote(),
        span_context.trace_state().clone(),
    )
}
