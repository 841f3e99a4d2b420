//! Input and permissions that nobody meant: each has a clear end, and none stops the work.

use async_nats::jetstream::message::PublishMessage;
use async_nats::{HeaderMap, HeaderValue};
use support::{NatsServer, PATIENCE, Runtime, eventually, publish};

use crate::workload::{TOPOLOGY, Workload, dead_letters, publish_tasks, stored};

fn message(payload: impl Into<Vec<u8>>) -> PublishMessage {
    PublishMessage::build().payload(payload.into().into())
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_that_are_no_json_are_dead_lettered_unchanged() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "");
    let mut runtime = workload.start().await;
    let payloads: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"{".to_vec(),
        b"\xff\xfe".to_vec(),
        b"{\"id\":1e999}".to_vec(),
        "[".repeat(100_000).into_bytes(),
        vec![b'x'; 1 << 19],
    ];

    let messages =
        payloads.iter().enumerate().map(|(n, payload)| (format!("tasks.e{n}"), message(payload.clone())));
    publish(&server.jetstream().await, messages).await;
    publish_tasks(&server, [("well".to_owned(), serde_json::json!({ "emits": true }))]).await;
    eventually(PATIENCE, async || dead_letters(&server).await.len() == payloads.len()).await;

    for letter in dead_letters(&server).await {
        let header = |name: &str| letter.headers.get(name).map_or("", |value| value.as_str()).to_owned();
        assert_eq!(header("Tidegate-Reason"), "undecodable");
        let n: usize = header("Tidegate-Key").trim_start_matches('e').parse().expect("a number");
        assert_eq!(letter.payload[..], payloads[n][..]);
    }
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == 1).await;
    assert_eq!(workload.count("fail"), 0);
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_headers_and_trace_contexts_do_no_harm() {
    let server = NatsServer::start().await;
    let workload = Workload::new(&server, "script", "").env("OTEL_TRACES_EXPORTER", "otlp");
    let mut runtime = workload.start().await;
    let long = "x".repeat(8192);
    let contexts =
        ["", "00-zz-zz-00", "00-00000000000000000000000000000000-0000000000000000-01", "ff-x", &long];

    let messages = contexts.iter().enumerate().map(|(n, context)| {
        let mut headers = HeaderMap::new();
        for name in ["traceparent", "tracestate", "baggage", "X-Odd"] {
            headers.append(name, context.parse::<HeaderValue>().expect("a value"));
        }
        let body = format!(r#"{{"id":{n},"emits":true}}"#);
        (format!("tasks.e{n}"), message(body).headers(headers))
    });
    publish(&server.jetstream().await, messages).await;
    let jetstream = server.jetstream().await;
    eventually(PATIENCE, async || stored(&jetstream, "DONE").await == contexts.len() as u64).await;

    assert_eq!(stored(&jetstream, &format!("{TOPOLOGY}-dead-letters")).await, 0);
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_a_key_follows_the_policy() {
    let server = NatsServer::start().await;
    let strict = "key = { header = \"Customer\" }\nkeyless = \"dead-letter\"";
    let workload = Workload::new(&server, "script", strict);
    let mut runtime = workload.start().await;

    publish_tasks(&server, [("a".to_owned(), serde_json::json!({ "emits": true }))]).await;
    eventually(PATIENCE, async || dead_letters(&server).await.len() == 1).await;

    let letter = dead_letters(&server).await.remove(0);
    assert_eq!(letter.headers.get("Tidegate-Reason").map(HeaderValue::as_str), Some("keyless"));
    assert_eq!(workload.count("start"), 0);
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_publish_is_reported_and_loses_nothing() {
    let config = r#"
        authorization { users = [
            { user: app, password: app, permissions: { publish: { deny: ["done.>"] } } }
            { user: admin, password: admin }
        ] }
        no_auth_user: admin
    "#;
    let server = NatsServer::with_config(config).await;
    let workload = Workload::new(&server, "script", "").env("NATS_USER", "app").env("NATS_PASSWORD", "app");
    let mut runtime: Runtime = workload.start().await;

    publish_tasks(&server, [("a".to_owned(), serde_json::json!({ "emits": true }))]).await;
    let line = runtime.wait_for_log("emit_blocked").await;

    assert!(line.to_lowercase().contains("permissions violation"), "{line}");
    assert!(dead_letters(&server).await.is_empty());
    assert!(runtime.drain(PATIENCE).await.success());
}
