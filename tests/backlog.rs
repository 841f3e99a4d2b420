//! The numbers that tell how far behind an actor is, against what is known to wait.

use std::time::{Duration, Instant};

use serde_json::json;
use support::{NatsServer, PATIENCE, Runtime, Scrape, eventually};

use crate::metrics::admin_of;
use crate::workload::{Workload, publish_tasks};

const WORKER: &[(&str, &str)] = &[("tidegate_actor", "worker")];

/// How far a number of seconds may be from the truth.
const SECOND: f64 = 1.0;

async fn start(server: &NatsServer, actor: &str) -> (Runtime, Workload, String) {
    let workload = Workload::new(server, "script", actor).env("TIDEGATE_ADMIN", "127.0.0.1:0");
    let runtime = workload.start().await;
    let address = admin_of(&runtime).await;
    (runtime, workload, address)
}

/// Waits until the number is this.
async fn becomes(address: &str, name: &str, value: f64) {
    eventually(PATIENCE, async || {
        let shown = Scrape::of(address).await.sum(name, WORKER);
        shown.is_some_and(|shown| (shown - value).abs() < 0.5)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lag_is_the_age_of_the_oldest_message_that_is_not_done() {
    let server = NatsServer::start().await;
    let (_runtime, workload, address) = start(&server, "").await;
    publish_tasks(&server, [("a".to_owned(), json!({}))]).await;
    eventually(PATIENCE, async || workload.count("end") == 1).await;

    let before = Instant::now();
    publish_tasks(&server, [("b".to_owned(), json!({ "takes": 60_000 }))]).await;
    let after = Instant::now();

    for (age, task) in [(1, "c"), (3, "d"), (6, "e")] {
        eventually(PATIENCE, async || before.elapsed() > Duration::from_secs(age)).await;
        publish_tasks(&server, [(task.to_owned(), json!({ "takes": 60_000 }))]).await;
        eventually(PATIENCE, async || {
            let least = after.elapsed().as_secs_f64() - SECOND;
            let Some(lag) = Scrape::of(&address).await.sum("tidegate_queue_lag_seconds", WORKER) else {
                return false;
            };
            let most = before.elapsed().as_secs_f64() + SECOND;
            assert!(lag <= most, "{lag} s behind, though nothing is older than {most} s");
            lag >= least
        })
        .await;
    }
    becomes(&address, "tidegate_queue_depth", 4.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backlog_that_could_run_counts_entities_and_not_their_messages() {
    let server = NatsServer::start().await;
    let (_runtime, _workload, address) =
        start(&server, "partitions = 4\nwindow = 64\nmax_deliver = 2\nbackoff = [\"5m\"]").await;

    let busy = (0..20).map(|id| ("busy".to_owned(), json!({ "id": id, "takes": 60_000 })));
    publish_tasks(&server, busy).await;
    becomes(&address, "tidegate_in_flight_messages", 20.0).await;
    becomes(&address, "tidegate_backlog_runnable", 1.0).await;
    becomes(&address, "tidegate_mailbox_waiting", 19.0).await;
    publish_tasks(&server, (0..3).map(|id| (format!("e{id}"), json!({ "takes": 60_000 })))).await;
    becomes(&address, "tidegate_backlog_runnable", 4.0).await;
    publish_tasks(&server, [("failing".to_owned(), json!({ "fails": 1 }))]).await;
    becomes(&address, "tidegate_attempt_failed_total", 1.0).await;
    becomes(&address, "tidegate_backlog_runnable", 4.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_counted_while_they_are_kept() {
    const HELD: &str = "tidegate_dead_letter_held";
    let server = NatsServer::start().await;
    let (_runtime, _workload, address) = start(&server, "").await;
    becomes(&address, HELD, 0.0).await;

    let hopeless = (0..5).map(|id| (id.to_string(), json!({ "fails": 9, "how": "terminal" })));
    publish_tasks(&server, hopeless).await;
    becomes(&address, HELD, 5.0).await;
    let stream = server.jetstream().await.get_stream("fixture-dead-letters").await.expect("it is there");
    stream.delete_message(2).await.expect("it is there");

    becomes(&address, HELD, 4.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_are_renewed_and_the_way_to_the_broker_is_measured() {
    const ROUND_TRIP: &str = "tidegate_broker_round_trip_seconds";
    let server = NatsServer::start().await;
    let (_runtime, _workload, address) = start(&server, "ack_wait = \"3s\"\ntimeout = \"60s\"").await;

    publish_tasks(&server, [("a".to_owned(), json!({ "takes": 60_000 }))]).await;
    eventually(PATIENCE, async || {
        Scrape::of(&address).await.sum("tidegate_heartbeat_renewals_total", WORKER).is_some_and(|n| n >= 2.0)
    })
    .await;
    let near = Scrape::of(&address).await.sum(ROUND_TRIP, &[]).expect("it is measured");
    server.freeze();
    eventually(PATIENCE, async || {
        Scrape::of(&address).await.sum(ROUND_TRIP, &[]).is_some_and(|time| time > near + 3.0)
    })
    .await;

    server.thaw();
    assert!(near > 0.0);
}
