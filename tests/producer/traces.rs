//! The trace context goes along with the event.

use opentelemetry::trace::{
    FutureExt, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use support::read_stream;
use tidegate_producer::FlowState;

use super::{STREAM, Shop, event, flow, until};

fn current(span: u64, flags: TraceFlags) -> Context {
    let trace = TraceId::from_bytes(*b"0123456789abcdef");
    let parent =
        SpanContext::new(trace, SpanId::from_bytes(span.to_be_bytes()), flags, true, TraceState::NONE);
    Context::new().with_remote_span_context(parent)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sampled_event_has_a_span_that_its_receivers_continue() {
    let exporter = InMemorySpanExporter::default();
    global::set_tracer_provider(SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build());
    let shop = Shop::open().await;
    let producer = shop.producer().await;

    shop.say(&flow(FlowState::Slow)).await;
    until(&producer, Some(FlowState::Slow)).await;
    for number in 0..20 {
        producer.publish(event(number)).with_context(current(1, TraceFlags::SAMPLED)).await.expect("stored");
    }
    let not_sampled = producer.publish(event(97)).with_context(current(2, TraceFlags::NOT_SAMPLED));
    not_sampled.await.expect("stored");
    let own = event(98).header("Traceparent", "00-own");
    producer.publish(own).with_context(current(3, TraceFlags::SAMPLED)).await.expect("stored");
    producer.publish(event(99)).await.expect("stored");

    let spans = exporter.get_finished_spans().expect("the exporter is there");
    assert_eq!(spans.len(), 20);
    assert_eq!(spans[0].name, "send ORDERS");
    assert!(spans.iter().any(|span| {
        span.attributes.iter().any(|KeyValue { key, .. }| key.as_str() == "tidegate.throttled_ms")
    }));
    let stored = read_stream(&shop.jetstream, STREAM).await;
    let parents: Vec<Option<String>> = stored
        .iter()
        .map(|message| message.headers.get("traceparent").map(|value| value.as_str().to_owned()))
        .collect();
    let expected = format!("00-{}-{}-01", spans[0].span_context.trace_id(), spans[0].span_context.span_id());
    assert_eq!(parents[0].as_ref(), Some(&expected));
    assert_eq!(parents[20].as_deref(), Some("00-30313233343536373839616263646566-0000000000000002-00"));
    assert_eq!((&parents[21], &parents[22]), (&None, &None));
    assert!(stored.iter().all(|message| message.headers.get("tracestate").is_none()));
}
