//! The process fixture, on a shell that stands in for the runtime.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Duration;

use support::{Runtime, eventually};

const TRAP: &str =
    "trap 'echo draining >&2; exit 3' TERM; echo ready >&2; while :; do read -t 1 line < /dev/zero; done";

#[tokio::test]
async fn what_the_process_says_and_how_it_ends_are_seen() {
    let mut runtime = Runtime::builder("/bin/bash", "").args(["-c", TRAP]).start();

    let line = runtime.wait_for_log("rea").await;
    let status = runtime.drain(Duration::from_secs(10)).await;

    assert_eq!(line, "ready");
    assert_eq!(status.code(), Some(3));
    runtime.wait_for_log("draining").await;
}

#[tokio::test]
async fn a_restart_keeps_topology_and_environment() {
    let shell = "cat topology.toml; echo $COLOUR $OTEL_SDK_DISABLED $NO_COLOR";
    let mut runtime =
        Runtime::builder("/bin/bash", "name = 'shop'\n").env("COLOUR", "red").args(["-c", shell]).start();
    runtime.wait_exit(Duration::from_secs(10)).await;

    runtime.restart();
    let status = runtime.wait_exit(Duration::from_secs(10)).await;

    assert!(status.success());
    assert_eq!(runtime.stdout(), "name = 'shop'\nred 1\n");
}

#[tokio::test]
async fn dropping_the_fixture_ends_the_process() {
    let mut runtime = Runtime::builder("/bin/bash", "").args(["-c", TRAP]).start();
    runtime.wait_for_log("ready").await;
    let process = format!("/proc/{}", runtime.process().id());
    assert!(runtime.resident_memory() > 0);

    runtime.kill9();
    let status = runtime.wait_exit(Duration::ZERO).await;
    runtime.restart();
    runtime.wait_for_log("ready").await;
    runtime.freeze();
    let second = format!("/proc/{}", runtime.process().id());
    drop(runtime);

    assert_eq!(status.signal(), Some(9));
    eventually(Duration::from_secs(10), async || {
        [&process, &second].iter().all(|path| !Path::new(path).exists())
    })
    .await;
}
