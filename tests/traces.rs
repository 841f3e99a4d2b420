//! One event is one trace, across all actors of a topology, over either protocol; a collector in trouble is no trouble.

use std::time::{Duration, Instant};

use support::{
    Mode, NatsServer, Otlp, PATIENCE, Runtime, RuntimeBuilder, Span, SpanKind, eventually, publish,
};

use async_nats::jetstream::message::PublishMessage;

use crate::workload::stored;

const CHAIN: &str = r#"
name = "chain"

[handlers]
script = { path = "." }

[streams.A]
subjects = ["a.{entity}"]
max_bytes = "1GiB"
[streams.B]
subjects = ["b.{entity}"]
max_bytes = "1GiB"
[streams.C]
subjects = ["c.{entity}"]
max_bytes = "1GiB"
[streams.D]
subjects = ["d.{entity}"]
max_bytes = "1GiB"

[actors.first]
handler = "script"
stream = "A"
subjects = ["a.{entity}"]
emits = { done = "b.{entity}" }
backoff = ["20ms"]
settings = { journal = "journal" }
[actors.second]
handler = "script"
stream = "B"
subjects = ["b.{entity}"]
emits = { done = "c.{entity}" }
settings = { journal = "journal" }
[actors.third]
handler = "script"
stream = "C"
subjects = ["c.{entity}"]
emits = { done = "d.{entity}" }
settings = { journal = "journal" }
"#;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn chain(server: &NatsServer, collector: &Otlp, protocol: &str) -> RuntimeBuilder {
    Runtime::builder(env!("CARGO_BIN_EXE_tidegate-fixture"), CHAIN)
        .nats(server)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
}

fn event(flags: &str) -> PublishMessage {
    let context = format!("00-{TRACE}-{PARENT}-{flags}");
    let payload = br#"{"id":1,"fails":1,"emits":true}"#.to_vec();
    PublishMessage::build().payload(payload.into()).header("traceparent", context.as_str())
}

fn find<'a>(spans: &'a [Span], name: &str, attempt: Option<&str>) -> &'a Span {
    let attempt_of = |span: &Span| span.attribute("tidegate.attempt").to_owned();
    let mut found = spans
        .iter()
        .filter(|span| span.name == name && attempt.is_none_or(|wanted| attempt_of(span) == wanted));
    let span = found.next().unwrap_or_else(|| panic!("no span `{name}` {attempt:?} in {spans:#?}"));
    assert!(found.next().is_none(), "several spans `{name}` {attempt:?}");
    span
}

async fn one_trace_over(protocol: &str) {
    let server = NatsServer::start().await;
    let collector = Otlp::start().await;
    let mut runtime = chain(&server, &collector, protocol).start();
    runtime.wait_for_log("ready").await;

    publish(&server.jetstream().await, [("a.42".to_owned(), event("01"))]).await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "D").await == 1).await;
    assert!(runtime.drain(PATIENCE).await.success());
    let spans = collector.wait_for_spans(|spans| spans.len() >= 13).await;

    assert!(spans.iter().all(|span| span.trace_id == TRACE), "{spans:#?}");
    let failed = find(&spans, "process a.{entity}", Some("1"));
    assert_eq!(failed.parent_span_id, PARENT);
    assert_eq!((failed.kind, failed.attribute("tidegate.outcome")), (SpanKind::Consumer, "failed"));
    assert_eq!(failed.attribute("tidegate.cause"), "error");
    for name in ["exception", "retry"] {
        assert!(failed.events.iter().any(|event| event.name == name), "no event `{name}` in {failed:?}");
    }
    assert_eq!(failed.links, [(TRACE.to_owned(), PARENT.to_owned())]);

    let mut parent = find(&spans, "process a.{entity}", Some("2"));
    assert_eq!((parent.parent_span_id.as_str(), parent.attribute("tidegate.outcome")), (PARENT, "done"));
    for (port, next) in [
        ("b.{entity}", Some("process b.{entity}")),
        ("c.{entity}", Some("process c.{entity}")),
        ("d.{entity}", None),
    ] {
        let publish = find(&spans, &format!("publish {port}"), None);
        assert_eq!((publish.kind, &publish.parent_span_id), (SpanKind::Producer, &parent.span_id));
        let Some(next) = next else { continue };
        parent = find(&spans, next, Some("1"));
        assert_eq!(parent.parent_span_id, publish.span_id);
        assert_eq!(parent.attribute("messaging.system"), "nats");
    }
    for subject in ["a.{entity}", "b.{entity}", "c.{entity}"] {
        assert_eq!(find(&spans, &format!("receive {subject}"), None).kind, SpanKind::Client);
        assert_eq!(find(&spans, &format!("settle {subject}"), None).kind, SpanKind::Client);
    }
    assert_eq!(spans.len(), 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_is_one_trace_over_http() {
    one_trace_over("http/protobuf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_is_one_trace_over_grpc() {
    one_trace_over("grpc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sampled_is_not_exported_and_stays_unsampled() {
    let server = NatsServer::start().await;
    let collector = Otlp::start().await;
    let mut runtime = chain(&server, &collector, "http/protobuf").start();
    runtime.wait_for_log("ready").await;

    publish(&server.jetstream().await, [("a.42".to_owned(), event("00"))]).await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "D").await == 1).await;
    assert!(runtime.drain(PATIENCE).await.success());

    assert!(collector.spans().is_empty());
    let last = support::read_stream(&jetstream, "D").await.remove(0);
    let context = last.headers.get("traceparent").map_or("", |value| value.as_str()).to_owned();
    assert!(context.starts_with(&format!("00-{TRACE}-")) && context.ends_with("-00"), "{context}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_in_trouble_neither_slows_nor_stops_the_work() {
    for (mode, protocol) in [
        (Mode::Refuse, "grpc"),
        (Mode::Hang, "http/protobuf"),
        (Mode::Hang, "grpc"),
        (Mode::Unavailable, "http/protobuf"),
    ] {
        let server = NatsServer::start().await;
        let collector = Otlp::start().await;
        collector.set_mode(mode);
        let mut runtime = chain(&server, &collector, protocol).start();
        runtime.wait_for_log("ready").await;

        let events = (0..200).map(|n| {
            let payload = format!(r#"{{"id":{n},"emits":true}}"#).into_bytes();
            (format!("a.{n}"), PublishMessage::build().payload(payload.into()))
        });
        publish(&server.jetstream().await, events).await;
        let jetstream = server.jetstream().await;
        eventually(PATIENCE, async || stored(&jetstream, "D").await == 200).await;
        let told = Instant::now();

        assert!(runtime.drain(PATIENCE).await.success(), "{mode:?} over {protocol}");
        assert!(
            told.elapsed() < Duration::from_secs(8),
            "{mode:?} over {protocol} took {:?}",
            told.elapsed()
        );
    }
}
