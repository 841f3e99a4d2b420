//! What is taken, and what each refusal says.

use serde_json::json;
use support::{PATIENCE, Process, eventually};

use super::{Shop, answer};

#[tokio::test]
async fn an_event_is_answered_when_it_is_stored_and_then_handled() {
    let shop = Shop::open("").await;

    let first = shop.event("/tasks/7", r#"{"id": 1}"#).await;
    let second = shop.event("/tasks", r#"{"id": 2, "of": {"entity": 8}, "name": "b"}"#).await;

    assert_eq!((first.status, second.status), (202, 202), "{first:?} {second:?}");
    assert_eq!(first.json(), json!({ "stream": "TASKS", "sequence": 1, "duplicate": false }));
    let stored = shop.stored("TASKS").await;
    assert_eq!(stored[0].payload.as_ref(), br#"{"id": 1}"#);
    let subjects: Vec<&str> = stored.iter().map(|message| message.subject.as_str()).collect();
    assert_eq!(subjects, ["tasks.7", "tasks.8"]);
    let journal = shop.runtime.directory().join("journal");
    eventually(PATIENCE, async || {
        std::fs::read_to_string(&journal).is_ok_and(|text| text.matches("\"end\"").count() == 2)
    })
    .await;
    shop.drain().await;
}

#[tokio::test]
async fn an_event_that_is_sent_again_with_its_id_is_stored_once() {
    let shop = Shop::open("").await;
    let with_key = |key: &str| {
        let post = shop.post("/tasks/7").header("Content-Type", "application/json");
        answer(post.header("Idempotency-Key", key.to_owned()).body(r#"{"id": 1}"#))
    };

    let first = with_key("a").await.json();
    let again = with_key("a").await.json();
    let other = with_key("b").await.json();
    let by_field = shop.event("/tasks", r#"{"of": {"entity": "7"}, "name": "a"}"#).await.json();

    assert_eq!((&first["duplicate"], &first["sequence"]), (&json!(false), &json!(1)));
    assert_eq!((&again["duplicate"], &again["sequence"]), (&json!(true), &json!(1)));
    assert_eq!((&other["duplicate"], &other["sequence"]), (&json!(false), &json!(2)));
    assert_eq!(by_field["duplicate"], json!(false), "ids of two routes are two ids");
    let ids: Vec<String> = shop
        .stored("TASKS")
        .await
        .iter()
        .map(|message| message.headers.get("Nats-Msg-Id").expect("an id").to_string())
        .collect();
    assert_eq!(ids, ["task:a", "task:b", "field:a"]);
    shop.drain().await;
}

#[tokio::test]
async fn a_body_of_any_type_is_passed_on_unread() {
    let shop = Shop::open("").await;
    let body: &[u8] = b"\xff\x00{not json";

    let taken = answer(shop.post("/raw/1").header("Content-Type", "image/jpeg").body(body)).await;
    let bare = answer(shop.post("/raw/1").body("")).await;

    assert_eq!((taken.status, bare.status), (202, 202), "{taken:?} {bare:?}");
    let stored = shop.stored("RAW").await;
    assert_eq!(stored[0].payload.as_ref(), body);
    assert_eq!(
        stored[0].headers.get("Content-Type").map(async_nats::HeaderValue::as_str),
        Some("image/jpeg")
    );
    shop.drain().await;
}

#[tokio::test]
async fn each_refusal_has_its_status_and_says_what_is_wrong() {
    let shop = Shop::open("max_body = 100").await;
    let json = |path: &str| shop.post(path).header("Content-Type", "application/json");
    let large = "x".repeat(101);

    for (request, status, code) in [
        (json("/tasks/7").body("{"), 400, "malformed"),
        (json("/tasks").body("{}"), 400, "bad_field"),
        (json("/tasks").body(r#"{"of": {"entity": 1}, "name": []}"#), 400, "bad_id"),
        (json("/tasks/7").header("Idempotency-Key", "").body("1"), 400, "bad_id"),
        (json("/tasks/7").header("Origin", "http://example.com").body("1"), 403, "from_web_page"),
        (json("/nowhere").body("1"), 404, "not_found"),
        (json("/tasks/7/8").body("1"), 404, "not_found"),
        (json("/tasks/").body("1"), 404, "not_found"),
        (shop.client.get(format!("{}/tasks/7", shop.url)), 405, "method_not_allowed"),
        (shop.post("/openapi.json"), 405, "method_not_allowed"),
        (json("/tasks/7").body(large.clone()), 413, "too_large"),
        (shop.post("/tasks/7").body("1"), 415, "unsupported_content"),
        (shop.post("/tasks/7").header("Content-Type", "text/plain").body("1"), 415, "unsupported_content"),
        (json("/tasks/7").header("Content-Encoding", "gzip").body("1"), 415, "unsupported_content"),
    ] {
        let shown = format!("{request:?}");
        let answer = answer(request).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{shown}: {answer:?}");
        assert!(status != 405 || !answer.header("allow").is_empty(), "{answer:?}");
    }

    let missing = shop.event("/tasks", r#"{"of": {}}"#).await.json();
    assert_eq!(missing["pointer"], "/of/entity");
    assert!(shop.stored("TASKS").await.is_empty());
    shop.drain().await;
}

#[tokio::test]
async fn a_broker_that_does_not_answer_is_told_as_such() {
    let shop = Shop::open("").await;
    let freeze = |process: &Process| process.freeze();

    freeze(shop.server.process());
    let answer = shop.event("/tasks/7", "1").await;
    shop.server.thaw();

    assert_eq!(answer.problem(), (503, "may_be_stored".to_owned()));
    assert!(!answer.header("retry-after").is_empty() && answer.text.contains("same id"), "{answer:?}");
    shop.drain().await;
}
