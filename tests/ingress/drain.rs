//! The end of a process: what was taken is stored, and who is not served is told.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use support::{PATIENCE, Signal, eventually};
use tokio::task::JoinSet;

use super::Shop;
use super::raw::{begin_lines, chunk, rest};

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_stores_and_answers_what_was_taken() {
    let mut shop = Shop::open("").await;
    let (url, client) = (shop.url.clone(), shop.client.clone());
    let has_ended = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for number in 0..8 {
        let (url, client, has_ended) = (url.clone(), client.clone(), Arc::clone(&has_ended));
        clients.spawn(async move {
            let mut taken = Vec::new();
            for id in 0.. {
                let body = format!("{{\"id\":{}}}", number * 1_000_000 + id);
                let post = client.post(format!("{url}/tasks/{number}"));
                let sent = post.header("Content-Type", "application/json").body(body.clone()).send().await;
                match sent {
                    Ok(response) => {
                        assert_eq!(response.status().as_u16(), 202);
                        taken.push(body);
                    }
                    Err(_) if has_ended.load(Ordering::Relaxed) => break,
                    // The connection was closed between two requests, or nobody listens any more.
                    Err(_) => tokio::task::yield_now().await,
                }
            }
            taken
        });
    }
    eventually(PATIENCE, async || shop.stored("TASKS").await.len() > 100).await;

    assert_eq!(shop.runtime.drain(PATIENCE).await.code(), Some(0));
    has_ended.store(true, Ordering::Relaxed);
    let taken: Vec<String> = clients.join_all().await.concat();

    let stored: BTreeSet<String> = shop
        .stored("TASKS")
        .await
        .iter()
        .map(|message| String::from_utf8_lossy(&message.payload).into_owned())
        .collect();
    assert!(taken.len() > 100);
    assert_eq!(BTreeSet::from_iter(taken), stored, "answered and stored are not the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_more_lines_to_come_is_told_how_far_it_came() {
    let mut shop = Shop::open("").await;
    let mut socket = begin_lines(&shop).await;
    chunk(&mut socket, "1\n2\n").await;
    eventually(PATIENCE, async || shop.stored("TASKS").await.len() == 2).await;

    shop.runtime.signal(Signal::SIGTERM);
    let answer = rest(&mut socket).await;

    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"code\":\"stopping\""), "{answer}");
    assert!(answer.contains("\"stored\":2"), "{answer}");
    assert_eq!(shop.runtime.wait_exit(PATIENCE).await.code(), Some(0));
}
