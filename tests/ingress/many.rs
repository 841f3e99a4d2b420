//! Many events in one request.

use serde_json::json;
use support::{PATIENCE, eventually};

use super::Shop;
use super::raw::{begin_lines, chunk, rest, write};

#[tokio::test]
async fn lines_are_stored_in_their_order() {
    let shop = Shop::open("").await;
    let line = |id: u32| format!("{{\"id\":{id},\"of\":{{\"entity\":{}}},\"name\":\"{id}\"}}\n", id % 7);
    let body: String = (0..5000).map(line).collect();

    let first = shop.lines("/tasks", body.clone()).await;
    let again = shop.lines("/tasks", body).await;

    assert_eq!(first.status, 202, "{first:?}");
    assert_eq!(first.json(), json!({ "stored": 5000, "duplicates": 0 }));
    assert_eq!(again.json(), json!({ "stored": 5000, "duplicates": 5000 }));
    let stored = shop.stored("TASKS").await;
    for (id, message) in stored.iter().enumerate() {
        let payload: serde_json::Value = serde_json::from_slice(&message.payload).expect("JSON");
        assert_eq!(payload["id"], id);
    }
    assert_eq!(stored.len(), 5000);
    shop.drain().await;
}

#[tokio::test]
async fn a_bad_line_in_the_middle_is_told_and_the_others_are_stored() {
    let shop = Shop::open("max_body = 100").await;
    let long = format!("{{\"of\":{{\"entity\":3}},\"x\":\"{}\"}}", "x".repeat(100));
    let lines = [
        "{\"of\":{\"entity\":1}}",
        "",
        "{oops",
        &long,
        "{\"of\":{\"entity\":\"a.b\"}}",
        "{\"of\":{\"entity\":2}}",
    ];

    let answer = shop.lines("/tasks", lines.join("\r\n")).await;

    assert_eq!(answer.problem(), (400, "malformed".to_owned()));
    let body = answer.json();
    assert_eq!((&body["stored"], &body["failed"], &body["read"]), (&json!(2), &json!(3), &json!(6)));
    let told: Vec<(u64, u64)> = body["results"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|result| Some((result["line"].as_u64()?, result["status"].as_u64()?)))
        .collect();
    assert_eq!(told, [(3, 400), (4, 413), (5, 400)]);
    assert_eq!(body["results"][2]["pointer"], "/of/entity");
    let subjects: Vec<String> =
        shop.stored("TASKS").await.iter().map(|message| message.subject.to_string()).collect();
    assert_eq!(subjects, ["tasks.1", "tasks.2"]);
    shop.drain().await;
}

#[tokio::test]
async fn lines_are_published_while_the_rest_has_not_been_sent() {
    let shop = Shop::open("").await;
    let mut socket = begin_lines(&shop).await;

    chunk(&mut socket, "1\n2\n").await;
    eventually(PATIENCE, async || shop.stored("TASKS").await.len() == 2).await;
    chunk(&mut socket, "3").await;
    write(&mut socket, "0\r\n\r\n").await;
    let answer = rest(&mut socket).await;

    assert!(answer.starts_with("HTTP/1.1 202 ") && answer.contains("\"stored\":3"), "{answer}");
    shop.drain().await;
}

#[tokio::test]
async fn a_request_without_lines_is_refused() {
    let shop = Shop::open("").await;

    assert_eq!(shop.lines("/tasks/7", "\n \r\n").await.problem(), (400, "no_events".to_owned()));

    shop.drain().await;
}
