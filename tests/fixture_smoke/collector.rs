//! The collector fixture: both protocols, and each of its troubles.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use support::{Mode, Otlp, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

fn one_span(name: &str) -> ExportTraceServiceRequest {
    let span =
        Span { name: name.to_owned(), trace_id: vec![0xab; 16], span_id: vec![1; 8], ..Span::default() };
    let scope = ScopeSpans { spans: vec![span], ..ScopeSpans::default() };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() }],
    }
}

async fn send_over_http(collector: &Otlp, name: &str) -> std::io::Result<String> {
    let body = one_span(name).encode_to_vec();
    let mut connection = TcpStream::connect(collector.endpoint().trim_start_matches("http://")).await?;
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(&body).await?;
    let mut reply = Vec::new();
    connection.read_to_end(&mut reply).await?;
    Ok(String::from_utf8_lossy(&reply).into_owned())
}

#[tokio::test]
async fn spans_arrive_over_both_protocols() {
    let collector = Otlp::start().await;

    let reply = send_over_http(&collector, "over http").await.expect("the port is open");
    let mut client = TraceServiceClient::connect(collector.endpoint()).await.expect("the port is open");
    client.export(one_span("over grpc")).await.expect("the collector accepts");

    let spans = collector.wait_for_spans(|spans| spans.len() == 2).await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    assert_eq!([spans[0].name.as_str(), spans[1].name.as_str()], ["over http", "over grpc"]);
    assert_eq!(spans[1].trace_id, "ab".repeat(16));
    assert_eq!(collector.requests(), 2);
}

#[tokio::test]
async fn an_unavailable_collector_keeps_nothing() {
    let collector = Otlp::start().await;
    let mut client = TraceServiceClient::connect(collector.endpoint()).await.expect("the port is open");

    collector.set_mode(Mode::Unavailable);
    let reply = send_over_http(&collector, "lost").await.expect("the port is open");
    let error = client.export(one_span("lost")).await.expect_err("the collector is unavailable");

    assert!(reply.starts_with("HTTP/1.1 503"), "{reply}");
    assert_eq!(error.code(), Code::Unavailable);
    assert_eq!((collector.requests(), collector.spans().len()), (2, 0));
}

#[tokio::test]
async fn a_hanging_collector_answers_when_it_recovers() {
    let collector = Otlp::start().await;
    collector.set_mode(Mode::Hang);

    let mut sending = Box::pin(send_over_http(&collector, "late"));
    let hanging = tokio::time::timeout(Duration::from_millis(100), &mut sending).await;
    collector.set_mode(Mode::Accept);
    let reply = sending.await.expect("the port is open");

    assert!(hanging.is_err());
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

#[tokio::test]
async fn a_refusing_collector_closes_its_port_until_it_recovers() {
    let collector = Otlp::start().await;
    let mut client = TraceServiceClient::connect(collector.endpoint()).await.expect("the port is open");
    client.export(one_span("first")).await.expect("the collector accepts");

    collector.set_mode(Mode::Refuse);
    eventually(Duration::from_secs(10), async || send_over_http(&collector, "lost").await.is_err()).await;
    let error = client.export(one_span("lost")).await.expect_err("the port is closed");
    collector.set_mode(Mode::Accept);
    eventually(Duration::from_secs(10), async || send_over_http(&collector, "second").await.is_ok()).await;

    assert_eq!(error.code(), Code::Unavailable);
    let names: Vec<String> = collector.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["first", "second"]);
}
