//! What ships under `deploy/` fits the runtime: rights, patience, versions.

use std::time::Duration;

use serde_json::{Value, json};
use support::{NatsServer, PATIENCE, eventually};

use super::text;
use crate::workload::{TOPOLOGY, Workload, dead_letters, done, emitting, publish_tasks};

/// The users of `nats.conf`, with the fixture's subjects in place of the shop's; tests connect as `operator`.
fn users() -> String {
    let shipped = text("deploy/nats/nats.conf");
    let (_, accounts) = shipped.split_once("\naccounts {").expect("there are accounts");
    let replaced = [
        ("\"payments.>\"", "\"done.>\"".to_owned()),
        ("tidegate.shop", format!("tidegate.{TOPOLOGY}")),
        ("_PASSWORD", String::new()),
        ("password: $", "password: ".to_owned()),
    ];
    let accounts = replaced.iter().fold(accounts.to_owned(), |text, (from, to)| text.replace(from, to));
    format!("no_auth_user: operator\naccounts {{{accounts}")
}

/// The number that follows `key` in a file.
fn number_after(path: &str, key: &str) -> u64 {
    let text = text(path);
    let (_, rest) = text.split_once(key).unwrap_or_else(|| panic!("{path} has no `{key}`"));
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|error| panic!("{path}, `{key}`: {error}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runtime_can_do_all_its_work_as_the_user_of_nats_conf() {
    let server = NatsServer::with_config(&users()).await;
    let workload = Workload::new(&server, "count", "max_deliver = 1")
        .env("NATS_USER", "tidegate")
        .env("NATS_PASSWORD", "TIDEGATE");
    let mut runtime = workload.start().await;

    let hopeless = ("b".to_owned(), json!({ "id": 2, "fails": 9 }));
    publish_tasks(&server, [("a".to_owned(), emitting(1, 0)), hopeless]).await;
    eventually(PATIENCE, async || done(&server).await.len() == 1).await;
    eventually(PATIENCE, async || dead_letters(&server).await.len() == 1).await;

    assert!(runtime.drain(PATIENCE).await.success());
    assert_eq!(runtime.count_log("Permissions Violation"), 0);
}

#[test]
fn whoever_stops_an_instance_waits_longer_than_its_drain_may_take() {
    let schema: Value =
        serde_json::from_str(&text("deploy/topology.schema.json")).expect("the schema is JSON");
    let drain = schema["properties"]["drain_timeout"]["default"].as_str().expect("there is a default");
    let seconds = drain.strip_suffix('s').and_then(|seconds| seconds.parse().ok()).expect("seconds");
    let drain = Duration::from_secs(seconds);

    for (path, key) in [
        ("deploy/compose.yaml", "stop_grace_period:"),
        ("deploy/kubernetes/base/deployment.yaml", "terminationGracePeriodSeconds:"),
        ("deploy/systemd/tidegate.service", "TimeoutStopSec="),
    ] {
        let patience = Duration::from_secs(number_after(path, key));
        assert!(patience >= drain + Duration::from_secs(10), "{path}: {patience:?} for a drain of {drain:?}");
    }
}

#[test]
fn the_image_is_built_with_the_toolchain_of_the_repository() {
    let toolchain = text("rust-toolchain.toml");
    let (_, rest) = toolchain.split_once("channel = \"").expect("there is a channel");
    let version = rest.split('"').next().unwrap_or_default();

    assert!(text("deploy/Dockerfile").contains(&format!("FROM rust:{version}-")), "rust {version}");
}
