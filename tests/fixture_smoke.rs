//! The fixtures themselves: a test that cannot trust its server proves nothing.

mod collector;
mod process;

use std::time::Duration;

use async_nats::jetstream::stream::{Config, RetentionPolicy};
use async_nats::{ConnectErrorKind, ConnectOptions};
use support::{NatsServer, publish_json, read_stream};

fn numbered(count: u32) -> impl Iterator<Item = (String, u32)> {
    (0..count).map(|number| (format!("numbers.{number}"), number))
}

fn config(retention: RetentionPolicy) -> Config {
    Config {
        name: "NUMBERS".to_owned(),
        subjects: vec!["numbers.*".to_owned()],
        retention,
        ..Config::default()
    }
}

#[tokio::test]
async fn a_stream_survives_kill_and_restart_on_the_same_port() {
    let mut server = NatsServer::start().await;
    let jetstream = server.jetstream().await;
    jetstream.create_stream(config(RetentionPolicy::Limits)).await.expect("a stream can be made");
    publish_json(&jetstream, numbered(1000)).await;
    let (port, id) = (server.port(), server.process().id());

    server.kill9();
    server.restart().await;

    assert_eq!(server.port(), port);
    assert_ne!(server.process().id(), id);
    let messages = read_stream(&server.jetstream().await, "NUMBERS").await;
    let numbers: Vec<u32> = messages
        .iter()
        .map(|message| serde_json::from_slice(&message.payload).expect("numbers were published"))
        .collect();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
    assert_eq!(messages[7].subject.as_str(), "numbers.7");
    assert_eq!(messages[7].sequence, 8);
}

#[tokio::test]
async fn a_work_queue_is_read_without_taking_from_it() {
    let server = NatsServer::start().await;
    let jetstream = server.jetstream().await;
    let stream =
        jetstream.create_stream(config(RetentionPolicy::WorkQueue)).await.expect("a stream can be made");
    publish_json(&jetstream, numbered(3)).await;
    stream.delete_message(2).await.expect("a message can be deleted");

    let sequences: Vec<u64> =
        read_stream(&jetstream, "NUMBERS").await.iter().map(|message| message.sequence).collect();

    assert_eq!(sequences, [1, 3]);
    assert_eq!(stream.get_info().await.expect("the stream is there").state.messages, 2);
}

#[tokio::test]
async fn a_frozen_server_answers_only_when_thawed() {
    let server = NatsServer::start().await;
    let jetstream = server.jetstream().await;

    server.freeze();
    let frozen = tokio::time::timeout(Duration::from_millis(200), jetstream.query_account()).await;
    server.thaw();
    let thawed = jetstream.query_account().await;

    assert!(frozen.is_err());
    assert!(thawed.is_ok());
}

#[tokio::test]
async fn extra_configuration_reaches_the_server() {
    let server = NatsServer::with_config("authorization { user: tide, password: gate }").await;

    let refused = async_nats::connect(server.url()).await.expect_err("credentials are required");
    let client =
        server.client_with(ConnectOptions::with_user_and_password("tide".into(), "gate".into())).await;

    assert_eq!(refused.kind(), ConnectErrorKind::AuthorizationViolation);
    client.flush().await.expect("the connection works");
}
