//! The span of an HTTP request, which becomes the parent of what it publishes.

use opentelemetry::Context;
use opentelemetry::trace::{FutureExt, Span, SpanKind, TraceContextExt, Tracer};
use opentelemetry_sdk::trace::SdkTracer;
use tidegate::Headers;

use super::message::{tracer, unsampled};
use super::scope::Scope;
use super::vocabulary::{self, name};
use crate::telemetry::propagation::{self, RemoteParent};

/// What the span of a request shows.
#[derive(Debug, Clone, Copy)]
pub struct RequestFields<'a> {
    /// The method, or `_OTHER` for one that HTTP does not know.
    pub method: &'a str,
    /// The route that the path belongs to, with its parameters as placeholders.
    pub route: Option<&'a str>,
    /// The path as it was sent.
    pub path: &'a str,
    /// The address of whoever sent it.
    pub client: &'a str,
}

/// The span of one request; ends when dropped. Next to nothing when the request is not sampled.
#[derive(Debug, Default)]
pub struct RequestSpan(Scope);

impl RequestSpan {
    /// Starts the span `{method} {route}`, as a child of the one in the request's `headers`, if there is one.
    ///
    /// Follows OpenTelemetry's conventions for HTTP servers. Whether it is sampled is for the configured sampler to say,
    /// which by default follows the client's decision.
    pub fn receive(headers: &Headers, fields: &RequestFields<'_>) -> Self {
        Self::start(tracer(), headers, fields)
    }

    pub(super) fn start(
        tracer: Option<&'static SdkTracer>,
        headers: &Headers,
        fields: &RequestFields<'_>,
    ) -> Self {
        let remote = propagation::extract(headers);
        let creation = remote.as_ref().and_then(RemoteParent::span_context);
        let Some(tracer) = tracer else {
            return Self(Scope::passing(remote.map(RemoteParent::into_context)));
        };
        let remote = remote.map(RemoteParent::into_context).unwrap_or_default();
        let method = fields.method.to_owned();
        let mut span =
            tracer.span_builder(method).with_kind(SpanKind::Server).start_with_context(tracer, &remote);
        if !span.span_context().is_sampled() {
            let passed = unsampled(creation.as_ref().unwrap_or(span.span_context()));
            return Self(Scope::passing(Some(remote.with_remote_span_context(passed))));
        }
        if let Some(route) = fields.route {
            span.update_name(name(fields.method, route));
        }
        span.set_attributes(vocabulary::request(fields));
        Self(Scope::recording(remote.with_span(span), tracer))
    }

    /// Runs `future` within the request: what it publishes belongs to the request's trace.
    pub fn wrap<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        future.with_context(self.0.context().cloned().unwrap_or_else(Context::new))
    }

    /// Says how the request was answered; an error of the server's marks the span as failed.
    pub fn responded(&self, status: u16) {
        if let Some(span) = self.0.span() {
            span.set_attributes(vocabulary::response(status));
            if status >= 500 {
                span.set_status(opentelemetry::trace::Status::error(""));
            }
        }
    }
}
