//! Takes the trace context from a message's headers and puts it into those of another (W3C Trace Context and Baggage).

use std::sync::OnceLock;

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use tidegate::Headers;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const BAGGAGE: &str = "baggage";

/// What a `traceparent` of a later version may have at most.
const LONGEST_TRACEPARENT: usize = 256;
/// What Trace Context asks everyone to pass on; a longer `tracestate` is dropped.
const LONGEST_TRACESTATE: usize = 512;

static PROPAGATORS: OnceLock<Propagators> = OnceLock::new();

/// Which formats are taken and passed on, as `OTEL_PROPAGATORS` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Propagators {
    /// `traceparent` and `tracestate`.
    pub(super) trace_context: bool,
    /// `baggage`.
    pub(super) baggage: bool,
}

impl Default for Propagators {
    fn default() -> Self {
        Self { trace_context: true, baggage: true }
    }
}

/// Sets the formats for the whole process; the first call wins.
pub(super) fn install(propagators: Propagators) {
    PROPAGATORS.get_or_init(|| propagators);
}

/// The context that a message was created in, with its baggage.
#[derive(Debug, Clone)]
pub struct RemoteParent(Context);

impl RemoteParent {
    /// The span that published the message; `None` when only baggage came along.
    pub fn span_context(&self) -> Option<SpanContext> {
        self.0.has_active_span().then(|| self.0.span().span_context().clone())
    }

    /// The parent for spans of the message.
    pub fn into_context(self) -> Context {
        self.0
    }
}

/// The context in a message's headers. Whatever is malformed or oversized counts as absent.
///
/// Header names are compared without case: common publishers write `Traceparent`.
pub fn extract(headers: &Headers) -> Option<RemoteParent> {
    if headers.is_empty() {
        return None;
    }
    let propagators = propagators();
    let carrier = Incoming(headers);
    let mut context = None;
    if propagators.trace_context && carrier.get(TRACEPARENT).is_some() {
        let extracted = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
        context = extracted.has_active_span().then_some(extracted);
    }
    if propagators.baggage && carrier.get(BAGGAGE).is_some() {
        let base = context.unwrap_or_default();
        context = Some(BaggagePropagator::new().extract_with_context(&base, &carrier));
    }
    context.map(RemoteParent)
}

/// Writes the context into `headers`, in place of one that is there. Without a valid span nothing is touched.
pub fn inject(cx: &Context, headers: &mut Headers) {
    let propagators = propagators();
    let mut carrier = Outgoing(headers);
    if propagators.trace_context {
        TraceContextPropagator::new().inject_context(cx, &mut carrier);
    }
    if propagators.baggage {
        BaggagePropagator::new().inject_context(cx, &mut carrier);
    }
}

fn propagators() -> Propagators {
    PROPAGATORS.get().copied().unwrap_or_default()
}

struct Incoming<'a>(&'a Headers);

impl Extractor for Incoming<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
        let value = value.trim();
        match key {
            TRACEPARENT => is_traceparent(value).then_some(value),
            TRACESTATE => (value.len() <= LONGEST_TRACESTATE).then_some(value),
            _ => Some(value),
        }
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name).collect()
    }
}

struct Outgoing<'a>(&'a mut Headers);

impl Injector for Outgoing<'_> {
    fn set(&mut self, key: &str, value: String) {
        if self.0.iter().any(|(name, _)| name.eq_ignore_ascii_case(key)) {
            *self.0 = self.0.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(key)).collect();
        }
        if !value.is_empty() {
            self.0.append(key, value);
        }
    }
}

/// Whether the fields have their lengths and are lower-case hex, which the propagator takes for granted.
fn is_traceparent(value: &str) -> bool {
    if value.len() > LONGEST_TRACEPARENT {
        return false;
    }
    let mut fields = value.split('-');
    [2, 32, 16, 2].into_iter().all(|length| {
        fields.next().is_some_and(|field| {
            field.len() == length && field.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        })
    })
}

#[cfg(test)]
mod tests {
    use opentelemetry::baggage::BaggageExt;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        pairs.iter().copied().collect()
    }

    fn round_trip(pairs: &[(&str, &str)]) -> Headers {
        let context = extract(&headers(pairs)).map(RemoteParent::into_context).unwrap_or_default();
        let mut outgoing = Headers::new();
        inject(&context, &mut outgoing);
        outgoing
    }

    #[test]
    fn passes_on_what_came_in() {
        let incoming = [("traceparent", PARENT), ("tracestate", "vendor=1"), ("baggage", "tenant=blue")];

        assert_eq!(round_trip(&incoming), headers(&incoming));
    }

    #[test]
    fn understands_headers_of_any_case() {
        let parent = extract(&headers(&[("Traceparent", PARENT)])).expect("a parent");

        assert!(parent.span_context().expect("a span").is_sampled());
    }

    #[test]
    fn writes_no_empty_tracestate() {
        assert_eq!(
            round_trip(&[("traceparent", PARENT), ("tracestate", "")]),
            headers(&[("traceparent", PARENT)])
        );
    }

    #[test]
    fn replaces_a_context_that_is_already_there() {
        let context = extract(&headers(&[("traceparent", PARENT)])).expect("a parent").into_context();
        let mut outgoing = headers(&[("TraceParent", "old"), ("Customer", "7"), ("tracestate", "old=1")]);

        inject(&context, &mut outgoing);

        assert_eq!(outgoing, headers(&[("Customer", "7"), ("traceparent", PARENT)]));
    }

    #[test]
    fn leaves_headers_alone_without_a_context() {
        let mut outgoing = headers(&[("traceparent", PARENT)]);

        inject(&Context::new(), &mut outgoing);

        assert_eq!(outgoing, headers(&[("traceparent", PARENT)]));
    }

    #[test]
    fn ignores_what_is_not_a_traceparent() {
        let oversized = format!("{PARENT}-{}", "f".repeat(8192));
        let malformed = [
            "",
            "-",
            "garbage",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-ééééééééééééééé4-00f067aa0ba902b7-01",
            "00\u{0}-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            &oversized,
        ];

        for value in malformed {
            assert!(extract(&headers(&[("traceparent", value)])).is_none(), "{value}");
        }
    }

    #[test]
    fn keeps_the_parent_when_only_the_tracestate_is_unusable() {
        let oversized = format!("vendor={}", "x".repeat(8192));

        for state in ["no equals sign", "a=1,,b", oversized.as_str()] {
            let passed = round_trip(&[("traceparent", PARENT), ("tracestate", state)]);
            assert_eq!(passed, headers(&[("traceparent", PARENT)]), "{state}");
        }
    }

    #[test]
    fn takes_baggage_without_a_parent() {
        let parent = extract(&headers(&[("baggage", "tenant=blue")])).expect("baggage");

        assert!(parent.span_context().is_none());
        assert_eq!(
            parent.into_context().baggage().get("tenant").map(ToString::to_string),
            Some("blue".to_owned())
        );
    }
}
