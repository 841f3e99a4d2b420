//! What the process tells of itself in numbers, over OTLP and to Prometheus: right, stable, and no burden.
#![expect(clippy::float_cmp, reason = "counts are whole numbers")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Mode, NatsServer, Otlp, PATIENCE, Point, Runtime, Scrape, eventually, eventually_some, get};

use crate::workload::{Workload, dead_letters, publish_tasks};

const BACKOFF: &str = "backoff = [\"20ms\"]";
const WORKER: &[(&str, &str)] = &[("tidegate.actor", "worker")];
const SHOWN_WORKER: &[(&str, &str)] = &[("tidegate_actor", "worker")];

/// 40 that are done and emit, 10 of them at the second try; 6 that are hopeless, 4 by panic and 2 by word.
fn known_tasks() -> impl Iterator<Item = (String, Value)> {
    let task = |id: u32| match id {
        0..30 => json!({ "id": id, "emits": true }),
        30..40 => json!({ "id": id, "emits": true, "fails": 1 }),
        40..44 => json!({ "id": id, "fails": 9, "how": "panic_text" }),
        _ => json!({ "id": id, "fails": 9, "how": "terminal" }),
    };
    (0..46).map(move |id| (id.to_string(), task(id)))
}

/// Where the endpoint is open.
pub(crate) async fn admin_of(runtime: &Runtime) -> String {
    let line = runtime.wait_for_log("admin endpoint is open").await;
    let (_, address) = line.split_once("address=").expect("the line names the address");
    address.split_whitespace().next().unwrap_or_default().to_owned()
}

fn with_endpoint(workload: Workload) -> Workload {
    workload.env("TIDEGATE_ADMIN", "127.0.0.1:0")
}

/// The sum of the points of that name with these attributes, and perhaps more: values, and counts.
fn sum(points: &[Point], name: &str, attributes: &[(&str, &str)]) -> (f64, u64) {
    let found: Vec<&Point> =
        points.iter().filter(|point| point.name == name && point.has(attributes)).collect();
    assert!(!found.is_empty(), "`{name}` {attributes:?} is not exported");
    (found.iter().map(|point| point.value).sum(), found.iter().map(|point| point.count).sum())
}

async fn known_numbers_over(protocol: &str) {
    let server = NatsServer::start().await;
    let collector = Otlp::start().await;
    let workload = with_endpoint(Workload::new(&server, "script", &format!("max_deliver = 2\n{BACKOFF}")))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        .env("OTEL_TRACES_EXPORTER", "none")
        .env("OTEL_METRIC_EXPORT_INTERVAL", "200");
    let mut runtime = workload.start().await;
    let address = admin_of(&runtime).await;

    publish_tasks(&server, known_tasks()).await;
    eventually(PATIENCE, async || workload.count("end") == 40 && dead_letters(&server).await.len() == 6)
        .await;
    let in_flight = "tidegate_in_flight_messages";
    let scrape = eventually_some(PATIENCE, async || {
        Some(Scrape::of(&address).await).filter(|scrape| scrape.sum(in_flight, SHOWN_WORKER) == Some(0.0))
    })
    .await;

    let shown = |name: &str, labels: &[(&str, &str)]| {
        let labels: Vec<(&str, &str)> = SHOWN_WORKER.iter().chain(labels).copied().collect();
        scrape.sum(name, &labels).unwrap_or_else(|| panic!("`{name}` {labels:?} is not shown"))
    };
    assert_eq!(shown("messaging_client_consumed_messages_total", &[]), 46.0);
    assert_eq!(shown("tidegate_message_ended_total", &[("tidegate_outcome", "done")]), 40.0);
    assert_eq!(shown("tidegate_message_ended_total", &[("tidegate_outcome", "dead_lettered")]), 6.0);
    assert_eq!(shown("tidegate_dead_letter_written_total", &[("tidegate_reason", "failed")]), 4.0);
    assert_eq!(shown("tidegate_dead_letter_written_total", &[("tidegate_reason", "terminal")]), 2.0);
    for (cause, count) in [("error", 10.0), ("panic", 8.0), ("terminal", 2.0)] {
        assert_eq!(shown("tidegate_attempt_failed_total", &[("tidegate_cause", cause)]), count);
        assert_eq!(shown("messaging_process_duration_seconds_count", &[("error_type", cause)]), count);
    }
    assert_eq!(shown("messaging_process_duration_seconds_count", &[]), 60.0, "one for each attempt");
    assert_eq!(shown("tidegate_message_age_seconds_count", &[]), 40.0);
    assert_eq!(shown("messaging_client_sent_messages_total", &[]), 46.0, "emits and dead letters");
    let destination = ("messaging_destination_template", "done.{entity}");
    assert_eq!(shown("messaging_client_operation_duration_seconds_count", &[destination]), 40.0);
    assert_eq!(shown("messaging_client_operation_duration_seconds_count", &[]), 46.0);
    assert_eq!(shown("tidegate_in_flight_usage_bytes", &[]), 0.0);
    assert!(shown("tidegate_in_flight_limit_bytes", &[]) >= 1e6);
    assert_eq!(shown("tidegate_shards", &[("tidegate_state", "working")]), 1.0);
    assert!(scrape.sum("process_memory_usage_bytes", &[]).is_some_and(|bytes| bytes > 1e6));
    assert_eq!(scrape.all("target_info", &[("service_name", "fixture")]).count(), 1);

    assert!(runtime.drain(PATIENCE).await.success());
    let working = [WORKER[0], ("tidegate.state", "working")];
    // The last export comes from the shutdown, when the shard is given back.
    let points = collector
        .wait_for_metrics(|points| {
            points
                .iter()
                .any(|point| point.name == "tidegate.shards" && point.has(&working) && point.value == 0.0)
        })
        .await;
    assert_eq!(sum(&points, "tidegate.message.ended", WORKER).0, 46.0);
    assert_eq!(sum(&points, "messaging.process.duration", WORKER).1, 60);
    assert_eq!(sum(&points, "tidegate.message.age", WORKER).1, 40);
    assert_eq!(sum(&points, "messaging.client.sent.messages", WORKER).0, 46.0);
    assert!(points.iter().all(|point| !point.description.is_empty()), "{points:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_are_those_of_a_known_workload_over_http() {
    known_numbers_over("http/protobuf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_are_those_of_a_known_workload_over_grpc() {
    known_numbers_over("grpc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_mailbox_is_named_with_its_partition_while_it_lasts() {
    const FULL: &str = "tidegate_mailbox_full_duration_seconds";
    let server = NatsServer::start().await;
    let narrow = "partitions = 1\nmailbox = 1\nconcurrency = 1\nwindow = 20";
    let workload = with_endpoint(Workload::new(&server, "script", narrow));
    let mut runtime = workload.start().await;
    let address = admin_of(&runtime).await;
    let began = Instant::now();

    publish_tasks(&server, (0..12).map(|id| (id.to_string(), json!({ "id": id, "takes": 200 })))).await;
    eventually(PATIENCE, async || {
        Scrape::of(&address).await.sum(FULL, &[SHOWN_WORKER[0], ("tidegate_partition", "0")]).is_some()
    })
    .await;
    eventually(PATIENCE, async || workload.count("end") == 12).await;
    eventually(PATIENCE, async || Scrape::of(&address).await.sum(FULL, &[]).is_none()).await;

    let stood = Scrape::of(&address).await.sum("tidegate_mailbox_full_time_seconds_total", SHOWN_WORKER);
    let possible = 1.0..began.elapsed().as_secs_f64();
    assert!(stood.is_some_and(|seconds| possible.contains(&seconds)), "{stood:?} of {possible:?}");
    assert!(runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_hangs_keeps_neither_the_work_nor_the_end() {
    for protocol in ["http/protobuf", "grpc"] {
        let server = NatsServer::start().await;
        let collector = Otlp::start().await;
        collector.set_mode(Mode::Hang);
        let workload = Workload::new(&server, "script", "")
            .env("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &format!("{}/v1/metrics", collector.endpoint()))
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
            .env("OTEL_METRIC_EXPORT_INTERVAL", "50");
        let mut runtime = workload.start().await;

        publish_tasks(&server, (0..50).map(|id| (id.to_string(), json!({ "id": id })))).await;
        eventually(PATIENCE, async || workload.count("end") == 50 && collector.requests() > 0).await;
        let told = Instant::now();

        assert!(runtime.drain(PATIENCE).await.success(), "{protocol}");
        assert!(told.elapsed() < Duration::from_secs(8), "{protocol} took {:?}", told.elapsed());
        assert_eq!(runtime.count_log("the last metrics may not have been exported"), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_comes_back_has_missed_nothing() {
    let server = NatsServer::start().await;
    let collector = Otlp::start().await;
    collector.set_mode(Mode::Unavailable);
    let workload = Workload::new(&server, "script", "")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint())
        .env("OTEL_TRACES_EXPORTER", "none")
        .env("OTEL_METRIC_EXPORT_INTERVAL", "50");
    let runtime = workload.start().await;
    runtime.wait_for_log("metrics cannot be exported").await;

    publish_tasks(&server, (0..5).map(|id| (id.to_string(), json!({ "id": id })))).await;
    eventually(PATIENCE, async || workload.count("end") == 5).await;
    collector.set_mode(Mode::Accept);

    collector
        .wait_for_metrics(|points| {
            let done = [WORKER[0], ("tidegate.outcome", "done")];
            points.iter().any(|point| point.has(&done) && point.value == 5.0 && point.is_monotonic)
        })
        .await;
    runtime.wait_for_log("metrics are exported again").await;
    assert_eq!(runtime.count_log("metrics cannot be exported"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_on_one_host_do_not_fight_for_a_port() {
    let server = NatsServer::start().await;
    let first = with_endpoint(Workload::new(&server, "script", "")).start().await;
    let taken = admin_of(&first).await;

    let mut second = Workload::new(&server, "script", "").env("TIDEGATE_ADMIN", &taken).spawn();
    let refused = second.wait_exit(PATIENCE).await;
    let third = with_endpoint(Workload::new(&server, "script", "")).start().await;
    let fourth = Workload::new(&server, "script", "").env("TIDEGATE_ADMIN", "off").start().await;

    assert_eq!(refused.code(), Some(1));
    let told = second.log().join("\n");
    assert!(told.contains(&format!("cannot listen on `{taken}`")) && told.contains("--admin off"), "{told}");
    assert_ne!(admin_of(&third).await, taken);
    assert_eq!(fourth.count_log("admin endpoint"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_endpoint_opens_where_the_topology_says_and_shows_metrics_only() {
    let server = NatsServer::start().await;
    let topology_says = "[admin]\nlisten = \"127.0.0.1:0\"";
    let runtime = Workload::new(&server, "script", topology_says).start().await;
    let address = admin_of(&runtime).await;

    let (metrics, _) = get(&address, "/metrics").await.expect("the endpoint answers");
    let (other, _) = get(&address, "/").await.expect("the endpoint answers");

    assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics}");
    assert!(other.starts_with("HTTP/1.1 404"), "{other}");
}
