//! The trace of a request goes on in the handler.

use support::{Otlp, SpanKind};

use super::{Shop, answer, builder};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_a_request_goes_on_in_the_handler() {
    let collector = Otlp::start().await;
    let builder = builder("")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .env("OTEL_BSP_SCHEDULE_DELAY", "100");
    let shop = Shop::of(builder).await;

    let post = shop.post("/tasks/7").header("Content-Type", "application/json").body(r#"{"id":1}"#);
    let taken = answer(post.header("traceparent", format!("00-{TRACE}-{PARENT}-01"))).await;
    let malformed = shop.post("/tasks/7").header("Content-Type", "text/plain").body("1");
    let refused = answer(malformed.header("traceparent", "00-garbage-01")).await;
    let spans = collector
        .wait_for_spans(|spans| {
            spans.iter().any(|span| span.name == "process tasks.{entity}")
                && spans.iter().filter(|span| span.kind == SpanKind::Server).count() == 2
        })
        .await;
    shop.drain().await;

    assert_eq!((taken.status, refused.status), (202, 415));
    let requests: Vec<_> = spans.iter().filter(|span| span.kind == SpanKind::Server).collect();
    let ours = requests.iter().find(|span| span.trace_id == TRACE).expect("the request's span");
    assert_eq!((ours.name.as_str(), ours.parent_span_id.as_str()), ("POST /tasks/{entity}", PARENT));
    assert_eq!(ours.attribute("http.response.status_code"), "202");
    assert_eq!(ours.attribute("http.route"), "/tasks/{entity}");
    let other = requests.iter().find(|span| span.trace_id != TRACE).expect("a trace of its own");
    assert_eq!((other.parent_span_id.as_str(), other.attribute("http.response.status_code")), ("", "415"));
    let handled = spans.iter().find(|span| span.name == "process tasks.{entity}").expect("it was handled");
    assert_eq!(handled.trace_id, TRACE);
    let parent = spans.iter().find(|span| span.span_id == handled.parent_span_id).expect("its parent");
    assert!(parent.span_id == ours.span_id || parent.parent_span_id == ours.span_id, "{parent:#?}");
}
