//! The trace that an event belongs to: a span if it is sampled, and headers (W3C) for whoever handles it.

use std::borrow::Cow;
use std::time::Duration;

use async_nats::{HeaderName, HeaderValue};
use opentelemetry::trace::{SpanContext, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};

use crate::parcel::Parcel;
use crate::{PublishError, Receipt};

const TRACE_PARENT: &str = "traceparent";
const TRACE_STATE: &str = "tracestate";

/// The trace of one event, which is the current one when the event is published.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    span: Option<Context>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Trace {
    /// Begins the span `send` below the current span if that is sampled. An event that has a context of its own, or
    /// for which there is none, is left alone.
    pub(crate) fn begin(parcel: &Parcel) -> Self {
        let (is_valid, is_sampled) = Context::map_current(|current| {
            let span = current.span();
            (span.span_context().is_valid(), span.span_context().is_sampled())
        });
        if !is_valid || parcel.has_header(TRACE_PARENT) {
            return Self::default();
        }
        let current = Context::current();
        if !is_sampled {
            return Self { span: None, headers: headers(current.span().span_context()) };
        }
        let tracer = global::tracer("tidegate-producer");
        let attributes = vec![
            KeyValue::new("messaging.system", "nats"),
            KeyValue::new("messaging.operation.type", "send"),
            KeyValue::new("messaging.operation.name", "send"),
            KeyValue::new("messaging.message.id", parcel.id.as_str().to_owned()),
            KeyValue::new(
                "messaging.message.body.size",
                i64::try_from(parcel.payload.len()).unwrap_or(i64::MAX),
            ),
        ];
        let span = tracer
            .span_builder("send")
            .with_kind(SpanKind::Producer)
            .with_attributes(attributes)
            .start_with_context(&tracer, &current);
        let context = current.with_span(span);
        // Without an SDK there is no span, and the context is passed on as it is.
        let own = headers(context.span().span_context());
        Self { span: Some(context), headers: own }
    }

    /// Ends the span. The stream is its destination, since subjects are too many to be names.
    pub(crate) fn end(self, result: &Result<Receipt, PublishError>, throttled: Duration) {
        let Some(context) = self.span else { return };
        let span = context.span();
        if !throttled.is_zero() {
            let milliseconds = i64::try_from(throttled.as_millis()).unwrap_or(i64::MAX);
            span.set_attribute(KeyValue::new("tidegate.throttled_ms", milliseconds));
        }
        match result {
            Ok(receipt) => {
                span.update_name(format!("send {}", receipt.stream));
                span.set_attribute(KeyValue::new("messaging.destination.name", receipt.stream.clone()));
            }
            Err(error) => span.set_status(Status::Error { description: Cow::Owned(error.to_string()) }),
        }
        span.end();
    }
}

fn headers(context: &SpanContext) -> Vec<(HeaderName, HeaderValue)> {
    if !context.is_valid() {
        return Vec::new();
    }
    let (trace, span, flags) = (context.trace_id(), context.span_id(), context.trace_flags().to_u8());
    let parent = format!("00-{trace}-{span}-{flags:02x}");
    let pairs = [(TRACE_PARENT, parent), (TRACE_STATE, context.trace_state().header())];
    pairs
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, value)| Some((HeaderName::from_static(name), value.parse().ok()?)))
        .collect()
}
