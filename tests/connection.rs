//! Connecting: who is let in, what a bad server is told apart by, and what is known about a connection that stands.

use std::time::{Duration, Instant};

use support::{NatsServer, PATIENCE, eventually};
use tidegate_runtime::nats::{
    Auth, ConnectError, ConnectOptions, Connection, Embedded, EmbeddedError, Resolved, Target, connect,
    resolve,
};
use tidegate_runtime::topology::{Nats, Secret};

fn at(url: &str) -> Resolved {
    let flags = ConnectOptions { url: Some(url.to_owned()), ..ConnectOptions::default() };
    resolve(&flags, &|_| None, &Nats::default()).expect("the url is valid")
}

async fn connected(url: &str) -> Connection {
    connect(&at(url), "tests").await.expect("a private server takes connections")
}

fn report(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[tokio::test]
async fn credentials_decide_who_is_let_in() {
    let server = NatsServer::with_config("authorization { user: tide, password: gate }").await;
    let anonymous = at(&server.url());
    let auth = Auth::User("tide".to_owned(), Secret::new("gate"));
    let known = Resolved { auth, ..anonymous.clone() };

    let refused = connect(&anonymous, "tests").await.expect_err("credentials are required");
    let accepted = connect(&known, "tests").await;

    assert!(matches!(refused, ConnectError::Denied { .. }), "{refused:?}");
    assert!(accepted.is_ok(), "{accepted:?}");
}

#[tokio::test]
async fn an_nkey_is_read_from_its_file() {
    let config =
        "authorization { users: [{ nkey: UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4 }] }";
    let server = NatsServer::with_config(config).await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let seed = directory.path().join("seed");
    std::fs::write(&seed, "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY\n")
        .expect("a file can be written");
    let by_nkey = |path| Resolved { auth: Auth::Nkey(path), ..at(&server.url()) };

    let accepted = connect(&by_nkey(seed), "tests").await;
    let missing =
        connect(&by_nkey(directory.path().join("none")), "tests").await.expect_err("there is no file");

    assert!(accepted.is_ok(), "{accepted:?}");
    assert!(matches!(missing, ConnectError::File { kind: "nkey", .. }), "{missing:?}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_at_once_if_tls_is_required() {
    let server = NatsServer::start().await;

    let strict = Resolved { is_tls_required: true, ..at(&server.url()) };
    let error = connect(&strict, "tests").await.expect_err("the server has no tls");

    assert!(matches!(error, ConnectError::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_starts_later_is_waited_for() {
    let mut server = NatsServer::start().await;
    let url = server.url();
    server.kill9();

    let waiting = tokio::spawn(async move { connect(&at(&url), "tests").await });
    server.restart().await;

    let connection = waiting.await.expect("connecting does not panic");
    assert!(connection.is_ok(), "{connection:?}");
}

#[tokio::test]
async fn a_server_that_never_starts_is_reported_in_time() {
    let mut server = NatsServer::start().await;
    server.kill9();
    let started = Instant::now();

    let error = connect(&at(&server.url()), "tests").await.expect_err("nobody listens there");

    assert!(started.elapsed() < Duration::from_secs(20));
    let report = report(&error);
    assert!(report.contains(&server.url()) && report.contains("the command line"), "{report}");
}

#[tokio::test]
async fn an_account_without_jetstream_is_reported() {
    let config = "accounts { PLAIN { users: [{ user: a, password: a }] } }\nno_auth_user: a";
    let server = NatsServer::with_config(config).await;

    let error = connect(&at(&server.url()), "tests").await.expect_err("the account has no jetstream");

    assert!(matches!(error, ConnectError::NoJetStream { scope: "for our account", .. }), "{error:?}");
}

#[tokio::test]
async fn a_denied_publish_is_known_though_nobody_answers() {
    let config = "authorization { users: [{ user: a, password: a, permissions: { publish: { deny: \"secret.>\" } } }] }\n\
                  no_auth_user: a";
    let server = NatsServer::with_config(config).await;
    let connection = connected(&server.url()).await;

    connection.client().publish("secret.Plans", "x".into()).await.expect("the client takes it");

    eventually(PATIENCE, async || connection.refusal("secret.Plans", PATIENCE).is_some()).await;
    let refusal = connection.refusal("secret.Plans", PATIENCE).expect("it was there");
    assert!(refusal.text.contains("Permissions Violation for Publish"), "{}", refusal.text);
    assert_eq!(connection.refusal("secret.plan", PATIENCE), None);
}

#[tokio::test]
async fn a_restart_of_the_broker_is_survived_and_counted() {
    let mut server = NatsServer::start().await;
    let connection = connected(&server.url()).await;
    let mut link = connection.link();
    assert_eq!(link.borrow().connects, 1);

    server.kill9();
    link.wait_for(|link| !link.is_up).await.expect("the loss is told");
    server.restart().await;

    let link = *link.wait_for(|link| link.is_up).await.expect("it comes back");
    assert_eq!(link.connects, 2);
    connection.jetstream().query_account().await.expect("it works again");
}

#[tokio::test]
async fn an_embedded_server_ends_with_its_owner_and_leaves_its_store() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = directory.path().join("store");
    let first = Embedded::start(Some(store.clone())).await.expect("a server can be started");
    let connection = connected(first.url()).await;
    let config = async_nats::jetstream::stream::Config { name: "KEPT".to_owned(), ..Default::default() };
    connection.jetstream().create_stream(config).await.expect("a stream can be made");

    let second = Embedded::start(Some(store.clone())).await;
    let id = first.pid();
    drop(first);
    let third = Embedded::start(Some(store)).await.expect("the store is free again");

    assert!(
        matches!(&second, Err(EmbeddedError::Locked { pid, .. }) if *pid == id.to_string()),
        "{second:?}"
    );
    assert!(!std::path::Path::new(&format!("/proc/{id}")).exists());
    let connection = connected(third.url()).await;
    assert!(connection.jetstream().get_stream("KEPT").await.is_ok());
}

#[tokio::test]
async fn embedded_without_a_server_is_reported() {
    let resolved = Resolved { target: Target::Embedded, ..at("nats://127.0.0.1") };

    let error = connect(&resolved, "tests").await.expect_err("nobody started one");

    assert!(matches!(error, ConnectError::NotStarted), "{error:?}");
}
