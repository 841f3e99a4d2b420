//! Clients that are too many, say nothing, or are pages of somebody else; addresses that are open to all.

use std::time::Duration;

use support::{NatsServer, PATIENCE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{drain, open};
use crate::cli::{command, fixture};
use crate::workload::Workload;

/// How many connections may be open at a time.
const PLACES: usize = 64;

async fn connect(address: &str) -> TcpStream {
    TcpStream::connect(address).await.expect("the endpoint listens")
}

/// Everything up to the end of the connection.
async fn rest(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut bytes)).await;
    // A connection that is reset is closed, too.
    drop(read.expect("the connection is closed in time"));
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn send(socket: &mut TcpStream, headers: &str) {
    let request = format!("GET /api/v1/topology HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("the connection is open");
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_limit_a_connection_waits_and_one_that_says_nothing_is_closed() {
    let server = NatsServer::start().await;
    let (runtime, _workload, address) = open(Workload::new(&server, "script", "")).await;
    let mut held = Vec::new();
    for _ in 0..PLACES {
        held.push(connect(&address).await);
    }
    let mut waiting = connect(&address).await;
    send(&mut waiting, "Host: localhost\r\n").await;

    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(300), waiting.read_exact(&mut byte)).await;
    assert!(early.is_err(), "it was answered though all places are taken");
    let silent = rest(&mut held[0]).await;

    assert!(!silent.contains(" 200 "), "{silent}");
    assert!(rest(&mut waiting).await.contains(" 200 "));
    drain(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_a_browser_learns_nothing() {
    let server = NatsServer::start().await;
    let (runtime, _workload, address) = open(Workload::new(&server, "script", "")).await;

    for headers in ["Host: evil.example\r\n", "Host: localhost\r\nOrigin: http://evil.example\r\n"] {
        let mut socket = connect(&address).await;
        send(&mut socket, headers).await;
        let answer = rest(&mut socket).await;
        assert!(answer.contains(" 403 ") && answer.contains("from_web_page"), "{answer}");
    }
    drain(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_open_to_all_needs_tokens() {
    let server = NatsServer::start().await;

    let ended = command(&fixture().nats(&server), "run --admin 0.0.0.0:0").await;

    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("without tokens") && ended.stderr.contains("[admin]"), "{ended:?}");
}
