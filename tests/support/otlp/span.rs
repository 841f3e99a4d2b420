//! Spans in a shape that assertions read well.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1 as proto;

pub use proto::span::SpanKind;
pub use proto::status::StatusCode;

type Attributes = BTreeMap<String, String>;

/// A finished span. Ids are lower-case hex; attribute values are rendered as text.
#[derive(Debug, Clone)]
pub struct Span {
    /// The name, as `OTel` sees it.
    pub name: String,
    /// PRODUCER, CONSUMER, CLIENT, …
    pub kind: SpanKind,
    /// The trace it belongs to.
    pub trace_id: String,
    /// Its own id.
    pub span_id: String,
    /// The id of its parent; empty for a root.
    pub parent_span_id: String,
    /// Trace id and span id of every link.
    pub links: Vec<(String, String)>,
    /// Its attributes.
    pub attributes: Attributes,
    /// What happened during the span.
    pub events: Vec<SpanEvent>,
    /// Ok, error or unset.
    pub status: StatusCode,
    /// What the status says in words; empty when unset.
    pub status_message: String,
    /// Start and end, in nanoseconds since 1970.
    pub nanoseconds: (u64, u64),
    /// Attributes of the process, such as `service.name`.
    pub resource: Arc<Attributes>,
}

/// Something that happened during a span.
#[derive(Debug, Clone)]
pub struct SpanEvent {
    /// The event's name, such as `exception`.
    pub name: String,
    /// Its attributes.
    pub attributes: Attributes,
}

impl Span {
    /// The attribute `name`, or an empty text when the span has none.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

pub(super) fn all(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for group in request.resource_spans {
        let resource = Arc::new(attributes(group.resource.unwrap_or_default().attributes));
        for span in group.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(readable(span, Arc::clone(&resource)));
        }
    }
    spans
}

fn readable(span: proto::Span, resource: Arc<Attributes>) -> Span {
    let kind = span.kind();
    let status = span.status.unwrap_or_default();
    Span {
        kind,
        status: status.code(),
        status_message: status.message,
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_span_id: hex(&span.parent_span_id),
        links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
        attributes: attributes(span.attributes),
        events: span.events.into_iter().map(event).collect(),
        nanoseconds: (span.start_time_unix_nano, span.end_time_unix_nano),
        name: span.name,
        resource,
    }
}

fn event(event: proto::span::Event) -> SpanEvent {
    SpanEvent { name: event.name, attributes: attributes(event.attributes) }
}

pub(super) fn attributes(pairs: Vec<KeyValue>) -> Attributes {
    pairs.into_iter().map(|pair| (pair.key, text(pair.value.unwrap_or_default()))).collect()
}

fn text(value: AnyValue) -> String {
    match value.value {
        Some(Value::StringValue(text)) => text,
        Some(Value::BoolValue(flag)) => flag.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().fold(String::with_capacity(2 * id.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}
