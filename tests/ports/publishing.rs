//! The sink: stored once, or an error that says why not.

use async_nats::jetstream::stream::{Config, DiscardPolicy};
use bytes::Bytes;
use support::{NatsServer, read_stream};
use tidegate::Headers;
use tidegate_runtime::nats::{ConnectOptions, NatsSink};
use tidegate_runtime::port::{Outbound, Sink, SinkError};
use tidegate_runtime::topology::Secret;

use super::{connected, connected_as};

fn outbound(subject: &str, id: &str, payload: &'static [u8]) -> Outbound {
    Outbound {
        subject: subject.to_owned(),
        headers: [("Customer", "7"), ("Note", "two\r\nlines")].into_iter().collect::<Headers>(),
        payload: Bytes::from_static(payload),
        id: id.to_owned(),
    }
}

async fn sink_into(server: &NatsServer, config: Config) -> NatsSink {
    let connection = connected(server).await;
    let config = Config { discard: DiscardPolicy::New, ..config };
    connection.jetstream().create_stream(config).await.expect("the stream is valid");
    NatsSink::new(connection)
}

fn payments() -> Config {
    Config { name: "PAYMENTS".to_owned(), subjects: vec!["payments.>".to_owned()], ..Config::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_once_whatever_the_repeats() {
    let server = NatsServer::start().await;
    let sink = sink_into(&server, payments()).await;

    for _ in 0..3 {
        sink.publish(&outbound("payments.42.authorized", "ORDERS:1:payments:0", b"{}"))
            .await
            .expect("stored");
    }

    let stored = read_stream(&server.jetstream().await, "PAYMENTS").await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].headers.get("Customer").map(async_nats::HeaderValue::as_str), Some("7"));
    assert_eq!(stored[0].headers.get("Note").map(async_nats::HeaderValue::as_str), Some("two  lines"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_stream_is_full() {
    let server = NatsServer::start().await;
    let by_count = sink_into(&server, Config { max_messages: 1, ..payments() }).await;
    let refunds = Config {
        name: "REFUNDS".to_owned(),
        subjects: vec!["refunds.>".to_owned()],
        max_bytes: 300,
        ..Config::default()
    };
    let by_bytes = sink_into(&server, refunds).await;

    by_count.publish(&outbound("payments.1", "a", b"{}")).await.expect("room for one");
    by_bytes.publish(&outbound("refunds.1", "a", b"{}")).await.expect("room for one");
    let counted = by_count.publish(&outbound("payments.1", "b", b"{}")).await;
    let weighed = by_bytes.publish(&outbound("refunds.1", "b", &[b'x'; 200])).await;

    assert!(matches!(counted, Err(SinkError::Full { .. })), "{counted:?}");
    assert!(matches!(weighed, Err(SinkError::Full { .. })), "{weighed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_without_a_stream_is_named() {
    let server = NatsServer::start().await;
    let sink = sink_into(&server, payments()).await;

    let refused = sink.publish(&outbound("refunds.42", "a", b"{}")).await;

    assert!(
        matches!(&refused, Err(SinkError::NoStream { subject }) if subject == "refunds.42"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn too_large_names_the_limit_that_is_broken() {
    let server = NatsServer::start().await;
    let sink = sink_into(&server, Config { max_message_size: 400, ..payments() }).await;
    let huge: &'static [u8] = Box::leak(vec![b'x'; 2 << 20].into_boxed_slice());

    let for_the_stream = sink.publish(&outbound("payments.1", "a", &huge[..500])).await;
    let for_the_server = sink.publish(&outbound("payments.1", "b", huge)).await;

    assert!(
        matches!(for_the_stream, Err(SinkError::TooLarge { limit: 400, bytes: 500, .. })),
        "{for_the_stream:?}"
    );
    assert!(
        matches!(for_the_server, Err(SinkError::TooLarge { limit: 1_048_576, .. })),
        "{for_the_server:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_publish_is_told_from_silence() {
    let config = r#"authorization { users = [ { user: "shop", password: "x",
        permissions: { publish: { deny: ["payments.>"] } } } ] }"#;
    let server = NatsServer::with_config(config).await;
    let options = ConnectOptions {
        user: Some("shop".to_owned()),
        password: Some(Secret::new("x".to_owned())),
        ..ConnectOptions::default()
    };
    let connection = connected_as(&server, options).await;
    connection.jetstream().create_stream(payments()).await.expect("the stream is valid");
    let sink = NatsSink::new(connection);

    let denied = sink.publish(&outbound("payments.42", "a", b"{}")).await;

    let Err(SinkError::Refused { reason, .. }) = denied else { panic!("{denied:?}") };
    assert!(reason.contains("Permissions Violation"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_a_timeout() {
    let server = NatsServer::start().await;
    let sink = sink_into(&server, payments()).await;

    server.freeze();
    let unknown = sink.publish(&outbound("payments.42", "a", b"{}")).await;
    server.thaw();

    assert!(matches!(unknown, Err(SinkError::Timeout { .. })), "{unknown:?}");
}
