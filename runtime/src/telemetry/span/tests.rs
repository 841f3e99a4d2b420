//! What is exported for a message, and what is passed on with its emits.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanId, SpanKind, Status, TraceContextExt, TracerProvider};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracer, SdkTracerProvider, SpanData};
use tidegate::subject::TokenNames;
use tidegate::{Headers, Message};

use super::*;
use crate::message::PartitionId;
use crate::telemetry::propagation;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
const PUBLISHER: SpanId = SpanId::from_bytes([0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
const DESTINATION: &str = "orders.{order}.placed";

struct Collector {
    tracer: &'static SdkTracer,
    exporter: InMemorySpanExporter,
}

impl Collector {
    fn new(root: Sampler) -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .with_sampler(Sampler::ParentBased(Box::new(root)))
            .build();
        Self { tracer: Box::leak(Box::new(provider.tracer("test"))), exporter }
    }

    fn receive(&self, traceparent: Option<&str>) -> MessageTrace {
        MessageTrace::start(Some(self.tracer), &message(traceparent), DESTINATION, "payments")
    }

    fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().expect("the exporter works")
    }

    fn span(&self, name: &str) -> SpanData {
        self.spans().into_iter().find(|span| span.name == name).expect("a span of that name")
    }
}

fn message(traceparent: Option<&str>) -> Message {
    Message {
        subject: "orders.42.placed".into(),
        tokens: TokenNames::default(),
        headers: traceparent.map(|value| ("traceparent", value)).into_iter().collect(),
        payload: b"{}".as_slice().into(),
        stream: "ORDERS".into(),
        sequence: 7,
        published: SystemTime::UNIX_EPOCH,
        key: "42".into(),
    }
}

fn attempt(trace: &MessageTrace) -> AttemptSpan {
    trace.process(&ProcessFields { attempt: 2, partition: PartitionId(3), key_hash: 0xab })
}

fn emitted(parent: &AttemptSpan) -> Headers {
    let mut headers = Headers::new();
    publish(parent, "payments.{order}.authorized", "authorized").inject(&mut headers);
    headers
}

fn attribute(span: &SpanData, key: &str) -> Option<Value> {
    span.attributes
        .iter()
        .find(|attribute| attribute.key.as_str() == key)
        .map(|attribute| attribute.value.clone())
}

#[test]
fn every_step_of_a_sampled_message_is_a_child_of_its_publisher_and_links_to_it() {
    let collector = Collector::new(Sampler::AlwaysOff);

    let trace = collector.receive(Some(SAMPLED));
    trace.received();
    drop(attempt(&trace));
    drop(trace.settle("ack"));

    let steps =
        [("receive", SpanKind::Client), ("process", SpanKind::Consumer), ("settle", SpanKind::Client)];
    for (operation, kind) in steps {
        let span = collector.span(&format!("{operation} {DESTINATION}"));
        let links: Vec<_> = span.links.iter().map(|link| link.span_context.span_id()).collect();
        assert_eq!(span.span_kind, kind);
        assert_eq!(span.parent_span_id, PUBLISHER);
        assert_eq!(span.span_context.trace_id().to_string(), TRACE);
        assert_eq!(links, [PUBLISHER], "{operation}");
    }
    assert_eq!(trace.trace_id().as_deref(), Some(TRACE));
}

#[test]
fn a_message_without_a_publisher_starts_a_trace_with_receive() {
    let collector = Collector::new(Sampler::AlwaysOn);

    let trace = collector.receive(None);
    trace.received();
    drop(attempt(&trace));

    let receive = collector.span("receive orders.{order}.placed");
    let process = collector.span("process orders.{order}.placed");
    assert_eq!(receive.parent_span_id, SpanId::INVALID);
    assert_eq!(process.parent_span_id, receive.span_context.span_id());
    assert!(process.links.is_empty());
    assert_eq!(trace.trace_id(), Some(receive.span_context.trace_id().to_string()));
}

#[test]
fn the_attempt_says_what_it_is_about() {
    let collector = Collector::new(Sampler::AlwaysOn);

    let mut span = attempt(&collector.receive(Some(SAMPLED)));
    span.outcome("done");
    drop(span);

    let span = collector.span("process orders.{order}.placed");
    let expected: [(&str, Value); 14] = [
        ("messaging.system", "nats".into()),
        ("messaging.operation.name", "process".into()),
        ("messaging.operation.type", "process".into()),
        ("messaging.destination.name", "orders.42.placed".into()),
        ("messaging.destination.template", DESTINATION.into()),
        ("messaging.consumer.group.name", "payments".into()),
        ("messaging.message.id", "ORDERS:7".into()),
        ("messaging.message.body.size", 2.into()),
        ("tidegate.actor", "payments".into()),
        ("tidegate.stream_sequence", 7.into()),
        ("tidegate.partition", 3.into()),
        ("tidegate.key_hash", "000000ab".into()),
        ("tidegate.attempt", 2.into()),
        ("tidegate.outcome", "done".into()),
    ];
    for (key, value) in expected {
        assert_eq!(attribute(&span, key), Some(value), "{key}");
    }
    assert_eq!(span.status, Status::Unset);
}

#[test]
fn a_failed_attempt_says_why_and_when_it_is_tried_again() {
    let collector = Collector::new(Sampler::AlwaysOn);

    let mut span = attempt(&collector.receive(None));
    span.failed("timeout", "no answer within 30s");
    span.retry_in(Duration::from_millis(200));
    drop(span);

    let span = collector.span("process orders.{order}.placed");
    let events: Vec<_> = span.events.iter().map(|event| event.name.as_ref()).collect();
    assert_eq!(span.status, Status::error("no answer within 30s"));
    assert_eq!(attribute(&span, "error.type"), Some("timeout".into()));
    assert_eq!(attribute(&span, "tidegate.cause"), Some("timeout".into()));
    assert_eq!(events, ["exception", "retry"]);
    assert!(span.events[1].attributes.contains(&KeyValue::new("tidegate.retry.delay_ms", 200)));
}

#[test]
fn the_receiver_of_an_emit_becomes_a_child_of_its_publish_span() {
    let collector = Collector::new(Sampler::AlwaysOn);

    let trace = collector.receive(Some(SAMPLED));
    let attempt = attempt(&trace);
    let headers = emitted(&attempt);
    drop(attempt);

    let process = collector.span("process orders.{order}.placed");
    let publish = collector.span("publish payments.{order}.authorized");
    let passed = propagation::extract(&headers).and_then(|parent| parent.span_context()).expect("a parent");
    assert_eq!(publish.span_kind, SpanKind::Producer);
    assert_eq!(publish.parent_span_id, process.span_context.span_id());
    assert_eq!(attribute(&publish, "tidegate.port"), Some("authorized".into()));
    assert_eq!(passed.span_id(), publish.span_context.span_id());
    assert_eq!(passed.trace_id().to_string(), TRACE);
    assert!(passed.is_sampled());
    assert_eq!(headers.len(), 1);
}

#[test]
fn a_dead_letter_belongs_to_the_trace_of_its_message() {
    let collector = Collector::new(Sampler::AlwaysOn);

    let publish = collector.receive(Some(SAMPLED)).publish("dead-letters.{actor}", "dead_letter");
    publish.describe("dead-letters.payments", "ORDERS:7:payments", 2);
    drop(publish);

    let publish = collector.span("publish dead-letters.{actor}");
    assert_eq!(publish.parent_span_id, PUBLISHER);
    assert_eq!(attribute(&publish, "messaging.destination.name"), Some("dead-letters.payments".into()));
}

#[test]
fn an_unsampled_message_has_no_spans_and_its_context_is_passed_on() {
    let collector = Collector::new(Sampler::AlwaysOn);

    let trace = collector.receive(Some(UNSAMPLED));
    let mut attempt = attempt(&trace);
    attempt.failed("error", "boom");
    let headers = emitted(&attempt);
    drop((attempt, trace.settle("ack")));

    assert_eq!(headers, [("traceparent", UNSAMPLED)].into_iter().collect());
    assert_eq!(trace.trace_id().as_deref(), Some(TRACE));
    drop(trace);
    assert!(collector.spans().is_empty());
}

#[test]
fn a_root_that_is_not_sampled_tells_those_after_it() {
    let collector = Collector::new(Sampler::AlwaysOff);

    let trace = collector.receive(None);
    let headers = emitted(&attempt(&trace));

    let passed = propagation::extract(&headers).and_then(|parent| parent.span_context()).expect("a parent");
    assert!(!passed.is_sampled());
    assert_eq!(Some(passed.trace_id().to_string()), trace.trace_id());
    assert!(collector.spans().is_empty());
}

#[test]
fn without_export_the_context_is_passed_on_as_it_came() {
    let trace = MessageTrace::start(None, &message(Some(SAMPLED)), DESTINATION, "payments");

    assert_eq!(emitted(&attempt(&trace)), [("traceparent", SAMPLED)].into_iter().collect());
}

#[test]
fn without_export_nothing_is_made_up() {
    let trace = MessageTrace::start(None, &message(None), DESTINATION, "payments");

    assert!(emitted(&attempt(&trace)).is_empty());
    assert_eq!(trace.trace_id(), None);
}

#[test]
fn a_malformed_parent_starts_a_trace_of_its_own() {
    let collector = Collector::new(Sampler::AlwaysOn);

    for traceparent in ["", "00-zz-zz-01", "🦀", &"0".repeat(8192)] {
        drop(collector.receive(Some(traceparent)));
    }

    let roots = collector.spans().iter().filter(|span| span.parent_span_id == SpanId::INVALID).count();
    assert_eq!(roots, 4);
}

#[tokio::test]
async fn what_runs_within_an_attempt_sees_its_context_and_nothing_else_does() {
    let collector = Collector::new(Sampler::AlwaysOn);
    let trace = collector.receive(Some(SAMPLED));
    let attempt = attempt(&trace);
    let current = || Context::current().span().span_context().span_id();

    let within = attempt.wrap(async move {
        let before = current();
        tokio::task::yield_now().await;
        (before, current())
    });
    let (within, outside) = tokio::join!(within, async move { current() });

    let span_id = attempt.context().span().span_context().span_id();
    assert_eq!(within, (span_id, span_id));
    assert_eq!(outside, SpanId::INVALID);
}
