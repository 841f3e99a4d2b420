//! What the commands do, what they print, and how they end.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::{NatsServer, PATIENCE, Runtime, RuntimeBuilder, read_stream};

const TOPOLOGY: &str = r#"
name = "fixture"

[handlers]
script = { path = "." }
count = { path = "." }

[streams.TASKS]
subjects = ["tasks.{entity}"]
max_bytes = "1GiB"

[streams.DONE]
subjects = ["done.{entity}"]
max_bytes = "1GiB"

[actors.worker]
handler = "script"
stream = "TASKS"
subjects = ["tasks.{entity}"]
emits = { done = "done.{entity}" }
settings = { journal = "journal" }
max_deliver = 2
backoff = ["10ms"]
"#;

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The fixture with the topology of these tests.
pub(crate) fn fixture() -> RuntimeBuilder {
    with_topology(TOPOLOGY)
}

pub(crate) fn with_topology(topology: &str) -> RuntimeBuilder {
    Runtime::builder(env!("CARGO_BIN_EXE_tidegate-fixture"), topology)
}

/// Runs one command in the directory of `builder` until it has ended.
pub(crate) async fn command(builder: &RuntimeBuilder, arguments: &str) -> Ended {
    let mut process = builder.clone().args(arguments.split_whitespace()).start();
    let status = process.wait_exit(PATIENCE).await;
    Ended { code: status.code(), stdout: process.stdout(), stderr: process.log().join("\n") }
}

#[tokio::test]
async fn check_accepts_a_good_topology() {
    let ended = command(&fixture(), "check").await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("fixture is a valid topology"), "{ended:?}");
    assert_eq!(command(&fixture(), "check --deny-warnings").await.code, Some(3));
}

#[tokio::test]
async fn check_tells_people_and_programs_what_is_wrong() {
    let broken = with_topology(&TOPOLOGY.replace("max_deliver", "max_delivery"));

    let text = command(&broken, "check").await;
    let json = command(&broken, "check --format json").await;

    assert_eq!((text.code, json.code), (Some(3), Some(3)));
    assert!(text.stderr.contains("max_deliver") && text.stderr.contains("T003"), "{text:?}");
    assert_eq!(json.json()["errors"], json!(1));
    let findings = json.json()["findings"].clone();
    let finding =
        findings.as_array().and_then(|all| all.iter().find(|finding| finding["rule"] == "T003")).cloned();
    assert_eq!(finding.expect("the finding")["cure"], "did you mean `max_deliver`?");
}

#[tokio::test]
async fn explain_knows_every_rule_and_no_other() {
    let list = command(&fixture(), "explain").await;
    let one = command(&fixture(), "explain t003").await;
    let none = command(&fixture(), "explain T999").await;

    assert!(list.stdout.contains("T003") && one.stdout.starts_with("# T003: "), "{list:?}");
    assert_eq!((list.code, one.code, none.code), (Some(0), Some(0), Some(2)));
}

#[tokio::test]
async fn a_handler_that_refuses_its_settings_is_told_before_anything_starts() {
    let builder = with_topology(&TOPOLOGY.replace("journal = \"journal\"", "diary = 7"));

    let ended = command(&builder, "run").await;

    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.stderr.contains("settings of actor `worker`") && ended.stderr.contains("journal"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn state_without_order_is_refused() {
    let topology = TOPOLOGY.replace("handler = \"script\"", "handler = \"count\"\norder = \"none\"");

    let ended = command(&with_topology(&topology), "run").await;

    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.stderr.contains("keeps state") && ended.stderr.contains("help: remove `order"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_away_is_told_with_the_cure() {
    let ended = command(&fixture(), "run --log-format json --nats-url nats://127.0.0.1:1").await;

    assert_eq!(ended.code, Some(4), "{ended:?}");
    let told: Value =
        serde_json::from_str(ended.stderr.lines().last().unwrap_or_default()).expect("a line of JSON");
    assert_eq!(
        told["message"],
        "no nats server answers at `nats://127.0.0.1:1` (from the command line) within 10 s"
    );
    assert!(told["cure"].as_str().is_some_and(|cure| cure.starts_with("start the server")), "{told}");
}

#[tokio::test]
async fn a_memory_that_no_message_fits_into_is_refused() {
    let server = NatsServer::with_config("max_payload: 8MB").await;
    let builder = with_topology(&format!("memory = \"4MiB\"\n{TOPOLOGY}")).nats(&server);

    let ended = command(&builder, "run").await;

    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("`memory` gives each of 1 shards"), "{ended:?}");
}

#[tokio::test]
async fn publish_stores_lines_in_their_order() {
    let server = NatsServer::start().await;
    let builder = fixture().nats(&server);
    let mut runtime = builder.clone().start();
    runtime.wait_for_log("ready").await;
    let lines: Vec<String> = (0..1000).map(|id| format!("{{\"entity\":{},\"id\":{id}}}", id % 7)).collect();
    fs::write(runtime.directory().join("tasks.jsonl"), lines.join("\n")).expect("a file");

    let ended =
        command(&builder, "publish tasks.{entity} tasks.jsonl --header Source=import --format json").await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        ended.json(),
        json!({ "published": 1000, "failed": 0, "failed_lines": [], "throttled_ms": 0, "refusals": 0 })
    );
    let stored = read_stream(&server.jetstream().await, "TASKS").await;
    let payloads: Vec<_> = stored.iter().map(|message| String::from_utf8_lossy(&message.payload)).collect();
    assert_eq!(payloads, lines);
    assert_eq!(stored[10].subject.as_str(), "tasks.3");
    assert_eq!(stored[10].headers.get("Source").map(async_nats::HeaderValue::as_str), Some("import"));
    assert_eq!(runtime.drain(PATIENCE).await.code(), Some(0));
}

#[tokio::test]
async fn publish_stops_at_a_bad_line_unless_told_to_skip_it() {
    let server = NatsServer::start().await;
    let builder = fixture().nats(&server);
    let mut runtime = builder.clone().start();
    runtime.wait_for_log("ready").await;
    fs::write(
        runtime.directory().join("tasks.jsonl"),
        "{\"entity\":1}\n\n{\"entity\":\"a.b\"}\n{\"entity\":2}\n",
    )
    .expect("a file");

    let stopped =
        command(&builder, "publish tasks.{entity} tasks.jsonl --id-field entity --format json").await;
    let skipped = command(&builder, "publish tasks.{entity} tasks.jsonl --id-field entity --skip-bad").await;
    let astray = command(&builder, "publish nowhere.{entity} tasks.jsonl").await;

    assert_eq!((stopped.code, skipped.code, astray.code), (Some(1), Some(1), Some(1)));
    let failed = json!([{ "line": 3, "error": "token `a.b` has a character that a subject cannot have" }]);
    let expected = json!({
        "published": 1, "failed": 1, "failed_lines": failed, "throttled_ms": 0, "refusals": 0,
    });
    assert_eq!(stopped.json(), expected);
    assert!(skipped.stdout.starts_with("published 2, failed 1 in "), "{skipped:?}");
    assert!(astray.stderr.contains("line 1: no stream takes `nowhere.1`"), "{astray:?}");
    let stored = read_stream(&server.jetstream().await, "TASKS").await;
    let subjects: Vec<&str> = stored.iter().map(|message| message.subject.as_str()).collect();
    assert_eq!(subjects, ["tasks.1", "tasks.2"]);
    assert_eq!(runtime.drain(PATIENCE).await.code(), Some(0));
}

#[tokio::test]
async fn build_links_the_handlers_of_the_example() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../topology.toml");
    let mut build = Command::new(env!("CARGO_BIN_EXE_tidegate-fixture"));
    build.args(["build", "--profile", "dev", "--topology"]).arg(&example);

    let output =
        tokio::task::spawn_blocking(move || build.output()).await.expect("no panic").expect("it runs");

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let program = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let server = NatsServer::start().await;
    let topology = fs::read_to_string(example).expect("the example");
    let mut runtime = Runtime::builder(&program, &topology).nats(&server).start();
    runtime.wait_for_log("ready").await;
    assert_eq!(runtime.drain(PATIENCE).await.code(), Some(0));
    demo_checks_itself(&program, &topology).await;
}

/// The demo needs no server: it starts one of its own.
async fn demo_checks_itself(program: &str, topology: &str) {
    let arguments = ["demo", "--events", "600", "--entities", "60", "--format", "json"];
    let mut demo = Runtime::builder(program, topology).args(arguments).start();

    assert_eq!(demo.wait_exit(PATIENCE).await.code(), Some(0));
    let report: serde_json::Value = serde_json::from_str(&demo.stdout()).expect("one JSON object");
    let number = |key: &str| report[key].as_u64().unwrap_or_else(|| panic!("no number `{key}` in {report}"));
    assert_eq!((number("published"), number("lost"), number("order_violations")), (600, 0, 0));
    assert_eq!(number("done") + number("dead_lettered"), 600);
    for key in ["retried", "repeated", "msgs_per_s", "p50_ms", "p99_ms", "peak_rss_mb"] {
        assert!(report[key].is_number(), "no number `{key}` in {report}");
    }
}
