//! Values that would be a command, another subject, or another header, if they were let through.

use percent_encode::encode;

use super::Shop;

/// What must never become part of a subject.
const VALUES: [&str; 14] = [
    "*",
    ">",
    ".",
    "..",
    "a.b",
    "a b",
    " ",
    "a\r\nPUB tasks.1 1\r\n1",
    "a\nb",
    "\0",
    "$JS.API.STREAM.DELETE.TASKS",
    "$SYS",
    "\u{a0}",
    "\u{2028}",
];

#[tokio::test]
async fn no_value_of_a_path_or_a_body_becomes_another_subject() {
    let shop = Shop::open("").await;
    let long = "x".repeat(5 * 1024);

    for value in VALUES.iter().copied().chain([long.as_str()]) {
        let by_path = shop.event(&format!("/tasks/{}", encode(value)), "{}").await;
        let body = serde_json::json!({ "of": { "entity": value } }).to_string();
        let by_body = shop.event("/tasks", &body).await;

        // Clients resolve `.` and `..`, so that they ask for another path.
        assert!(matches!(by_path.status, 400 | 404), "{value:?}: {by_path:?}");
        assert_eq!(by_body.problem(), (400, "bad_field".to_owned()), "{value:?}");
    }

    assert_eq!(shop.event("/tasks/%ff", "{}").await.problem(), (400, "bad_field".to_owned()));
    assert_eq!(shop.event("/tasks/a%2Fb", "{}").await.status, 202);
    let subjects: Vec<String> =
        shop.stored("TASKS").await.iter().map(|message| message.subject.to_string()).collect();
    assert_eq!(subjects, ["tasks.a/b"], "the stream is there, and nothing else is in it");
    shop.drain().await;
}

#[tokio::test]
async fn no_header_of_a_request_becomes_an_instruction_to_the_server() {
    let shop = Shop::open("").await;

    let post = shop.post("/tasks/7").header("Content-Type", "application/json");
    let post = post.header("Nats-Rollup", "all").header("Nats-Expected-Last-Sequence", "99");
    let answer = super::answer(post.header("Idempotency-Key", "a").body("1")).await;

    assert_eq!(answer.status, 202, "{answer:?}");
    let stored = shop.stored("TASKS").await;
    let names: Vec<String> = stored[0].headers.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["Nats-Msg-Id"]);
    shop.drain().await;
}

mod percent_encode {
    use std::fmt::Write;

    /// Every byte escaped, so that no client changes it.
    pub(super) fn encode(value: &str) -> String {
        value.bytes().fold(String::new(), |mut text, byte| {
            write!(text, "%{byte:02X}").expect("a String takes everything");
            text
        })
    }
}
