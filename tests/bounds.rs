//! Whatever lies in the stream, the process holds no more than it was allowed.

use std::time::Duration;

use async_nats::jetstream;
use serde_json::json;
use support::{NatsServer, PATIENCE, Runtime, eventually};

use crate::workload::{Line, Workload, backlog, emitting, stored};

const BACKLOG: u64 = 200_000;

/// What the process may grow by while it works through the backlog, in bytes.
const GROWTH: u64 = 24 << 20;

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the figure is a result: `cargo test memory_is_flat -- --nocapture`")]
async fn memory_is_flat_over_a_backlog() {
    let server = NatsServer::start().await;
    let tasks = (0..BACKLOG).map(|id| (format!("e{}", id % 10_000), json!({ "id": id })));
    let workload = Workload::new(&server, "quiet", "window = 1024").with_backlog(&server, tasks).await;

    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;
    let samples = sample_until_done(&runtime, &jetstream, 1024).await;

    let early = samples.memory[samples.memory.len() / 10];
    let highest = samples.memory.iter().max().copied().unwrap_or_default();
    println!("memory over {BACKLOG} messages: early {} KiB, highest {} KiB", early >> 10, highest >> 10);
    assert!(highest < early + GROWTH, "grew from {early} to {highest}");
    assert!(runtime.drain(PATIENCE).await.success());
}

/// What was seen while there was work.
#[derive(Debug, Default)]
struct Samples {
    /// Of the process, in bytes.
    memory: Vec<u64>,
    /// Delivered messages whose settlement the server has not handled.
    in_flight: Vec<usize>,
}

/// Watches until all is done; at no time are more than `window` messages un-acked.
async fn sample_until_done(runtime: &Runtime, jetstream: &jetstream::Context, window: usize) -> Samples {
    let mut samples = Samples::default();
    loop {
        let (waiting, in_flight) = backlog(jetstream).await;
        assert!(in_flight <= window, "{in_flight} in flight");
        samples.memory.push(runtime.resident_memory());
        if waiting == 0 && in_flight == 0 {
            return samples;
        }
        samples.in_flight.push(in_flight);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_bound_what_runs_and_the_window_what_is_in_flight() {
    let server = NatsServer::start().await;
    let tasks = (0..600_u64).map(|id| (format!("e{id}"), emitting(id, 5)));
    let actor = "partitions = 2\nconcurrency = 3\nmailbox = 4\nwindow = 20";
    let workload = Workload::new(&server, "script", actor).with_backlog(&server, tasks).await;

    let mut runtime = workload.start().await;
    let jetstream = server.jetstream().await;
    sample_until_done(&runtime, &jetstream, 20).await;

    assert_eq!(stored(&jetstream, "DONE").await, 600);
    assert_eq!(most_running(&workload.journal()), 6);
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_in_flight_are_bounded() {
    let server = NatsServer::start().await;
    let filler = "x".repeat(100_000);
    let task = |id: u64| json!({ "id": id, "takes": 20, "filler": filler });
    let tasks = (0..1000_u64).map(|id| (format!("e{id}"), task(id)));
    let workload = Workload::with(&server, "quiet", "window = 1024", "memory = \"2MiB\"");
    let workload = workload.with_backlog(&server, tasks).await;

    let mut runtime = workload.start().await;
    let Samples { memory, mut in_flight } =
        sample_until_done(&runtime, &server.jetstream().await, 1024).await;

    // The server handles acks beside requests, so for a moment it can count what is settled and what came instead.
    in_flight.sort_unstable();
    assert!(in_flight[in_flight.len() / 2] <= 21, "{in_flight:?} in flight");
    let highest = memory.iter().max().copied().unwrap_or_default();
    assert!(highest < memory[0] + GROWTH, "grew from {} to {highest}", memory[0]);
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_entity_fills_the_window_and_not_the_memory() {
    let server = NatsServer::start().await;
    let tasks = (0..500_u64).map(|id| ("hot".to_owned(), json!({ "id": id, "takes": 2 })));
    let workload = Workload::new(&server, "script", "window = 64").with_backlog(&server, tasks).await;

    let mut runtime = workload.start().await;
    sample_until_done(&runtime, &server.jetstream().await, 64).await;

    assert_eq!(most_running(&workload.journal()), 1);
    eventually(PATIENCE, async || workload.count("end") == 500).await;
    assert!(runtime.drain(PATIENCE).await.success());
}

fn most_running(journal: &[Line]) -> usize {
    let (mut running, mut most) = (0_usize, 0);
    for line in journal {
        match line.event.as_str() {
            "start" => running += 1,
            _ => running -= 1,
        }
        most = most.max(running);
    }
    most
}
