//! Clients that are slow, many, or never stop.

use std::time::{Duration, Instant};

use support::{PATIENCE, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Shop;
use super::raw::{HEAD, begin_lines, chunk, connect, rest, write};

#[tokio::test]
async fn a_slow_body_is_given_up_and_its_connection_closed() {
    let shop = Shop::open("timeout = \"500ms\"").await;
    let mut socket = connect(&shop).await;
    let begun = Instant::now();

    write(&mut socket, &format!("{HEAD}Content-Length: 10\r\n\r\n123")).await;
    let answer = rest(&mut socket).await;

    assert!(begun.elapsed() >= Duration::from_millis(500));
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"code\":\"timeout\""), "{answer}");
    assert!(shop.stored("TASKS").await.is_empty());
    shop.drain().await;
}

#[tokio::test]
async fn a_line_that_never_ends_is_given_up_and_the_ones_before_are_stored() {
    let shop = Shop::open("timeout = \"500ms\"").await;
    let mut socket = begin_lines(&shop).await;

    chunk(&mut socket, "1\n2\n").await;
    chunk(&mut socket, "3").await;
    let answer = rest(&mut socket).await;

    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"stored\":2"), "{answer}");
    assert_eq!(shop.stored("TASKS").await.len(), 2);
    shop.drain().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let shop = Shop::open("timeout = \"500ms\"").await;
    let (mut silent, mut slow, mut idle) = (connect(&shop).await, connect(&shop).await, connect(&shop).await);

    write(&mut slow, "POST /tasks/7 HTTP/1.1\r\nX-").await;
    write(&mut idle, &format!("{HEAD}Content-Length: 1\r\n\r\n1")).await;
    let answers = [rest(&mut silent).await, rest(&mut slow).await, rest(&mut idle).await];

    assert!(!answers[0].contains("202") && !answers[1].contains("202"), "{answers:?}");
    assert!(answers[2].starts_with("HTTP/1.1 202 "), "{answers:?}");
    shop.drain().await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let shop = Shop::open("").await;
    let mut socket = connect(&shop).await;

    let request = format!("{HEAD}X: {}\r\nContent-Length: 1\r\n\r\n1", "x".repeat(1 << 20));
    // The answer may come, and the connection be closed, before all of it is written.
    drop(socket.write_all(request.as_bytes()).await);
    let answer = rest(&mut socket).await;

    assert!(!answer.contains(" 202 "), "{answer}");
    assert!(shop.stored("TASKS").await.is_empty());
    shop.drain().await;
}

#[tokio::test]
async fn beyond_the_limit_a_connection_waits_until_another_one_closes() {
    let shop = Shop::open("max_connections = 2\ntimeout = \"60s\"").await;
    let held = [connect(&shop).await, connect(&shop).await];
    let mut waiting = connect(&shop).await;
    write(&mut waiting, &format!("{HEAD}Connection: close\r\nContent-Length: 1\r\n\r\n1")).await;

    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(300), waiting.read_exact(&mut byte)).await;
    assert!(early.is_err(), "it was answered though both places are taken");
    drop(held);

    let answer = rest(&mut waiting).await;
    assert!(answer.contains(" 202 "), "{answer}");
    shop.drain().await;
}

#[tokio::test]
async fn a_client_that_sends_too_much_is_told_when_to_come_back() {
    let shop = Shop::open("rate = 2").await;

    let mut throttled = None;
    eventually(PATIENCE, async || {
        let answer = shop.event("/tasks/7", "1").await;
        if answer.status == 429 {
            throttled = Some(answer);
        }
        throttled.is_some()
    })
    .await;

    let throttled = throttled.expect("there is one");
    assert_eq!(throttled.problem(), (429, "too_many_requests".to_owned()));
    assert_eq!(throttled.header("retry-after"), "1");
    eventually(PATIENCE, async || shop.event("/tasks/7", "1").await.status == 202).await;
    shop.drain().await;
}
