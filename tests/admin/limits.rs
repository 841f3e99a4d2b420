//! Clients that are too many, say nothing, or are pages of somebody else; addresses that are open to all.

use std::io::Write;
use std::time::Duration;

use support::{NatsServer, PATIENCE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::tokens::ONE;
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
    let read = timeout(PATIENCE, socket.read_to_end(&mut bytes)).await;
    // A connection that is reset is closed, too.
    drop(read.expect("the connection is closed in time"));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Lines for the topology that let in who has the token `one`, and the file that they name.
fn with_a_token() -> (String, tempfile::NamedTempFile) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    writeln!(file, "ann:{ONE}").expect("it is written");
    (format!("[admin]\ntokens = \"{}\"", file.path().display()), file)
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
    let early = timeout(Duration::from_millis(300), waiting.read_exact(&mut byte)).await;
    assert!(early.is_err(), "it was answered though all places are taken");
    let silent = rest(&mut held[0]).await;

    assert!(!silent.contains(" 200 "), "{silent}");
    assert!(rest(&mut waiting).await.contains(" 200 "));
    drain(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_and_a_body_that_does_not_come_are_given_up() {
    let server = NatsServer::start().await;
    let (admin, _file) = with_a_token();
    let (runtime, _workload, address) = open(Workload::new(&server, "script", &admin)).await;
    let (mut large, mut slow) = (connect(&address).await, connect(&address).await);

    let head =
        "POST /api/v1/actors/worker/pause HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer one\r\n";
    slow.write_all(format!("{head}Content-Length: 10\r\n\r\n{{").as_bytes()).await.expect("it is open");
    // The answer may come, and the connection be closed, before all of it is written.
    drop(large.write_all(format!("{head}X: {}\r\n\r\n", "x".repeat(1 << 20)).as_bytes()).await);
    let (refused, given_up) = (rest(&mut large).await, rest(&mut slow).await);

    assert!(!refused.contains(" 200 "), "{refused}");
    assert!(given_up.starts_with("HTTP/1.1 408 ") && given_up.contains("\"code\":\"timeout\""), "{given_up}");
    drain(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_no_answers_does_not_keep_his_place() {
    let server = NatsServer::start().await;
    let (runtime, _workload, address) = open(Workload::new(&server, "script", "")).await;
    let mut deaf = connect(&address).await;

    // Far more answers than lie in the buffers of the system, until it takes no more of the requests.
    let request = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000);
    let broken = timeout(PATIENCE, async {
        loop {
            if deaf.write_all(request.as_bytes()).await.is_err() {
                return;
            }
        }
    })
    .await;

    assert!(broken.is_ok(), "he has his place still");
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
