//! What is measured while a stage stands still: who holds the others up, how much waits, and for how long.

use support::{NatsServer, PATIENCE, Scrape, eventually, eventually_some};

use super::{Chain, LONG};
use crate::metrics::admin_of;
use crate::workload::stored;

const MESSAGES: u64 = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn metrics_name_the_bottleneck_and_what_it_holds_up() {
    let server = NatsServer::start().await;
    let stages = [("first", "a", Some("b")), ("last", "b", None)];
    let mut chain = Chain::new(&server, &[("a", 4000), ("b", 200)], &stages).await;
    chain.builder = chain.builder.env("TIDEGATE_ADMIN", "127.0.0.1:0");
    chain.pace("last", "stop");
    let runtime = chain.start().await;
    let address = admin_of(&runtime).await;
    let (b, last) = (("tidegate_stream", "B"), ("tidegate_actor", "last"));

    chain.publish("a", 0..MESSAGES).await;
    let held_up = eventually_some(PATIENCE * 2, async || {
        let scrape = Scrape::of(&address).await;
        let first = [b, ("tidegate_actor", "first")];
        let is_stopped = scrape.sum("tidegate_flow_state", &[b]) == Some(2.0);
        let is_gated = scrape.sum("tidegate_intake_stopped", &first) == Some(1.0);
        let has_stood = scrape.sum("tidegate_intake_stopped_time_seconds_total", &first[1..]) > Some(0.0);
        let has_lag = scrape.sum("tidegate_queue_lag_seconds", &[b, last]) > Some(1.0);
        Some(scrape).filter(|_| is_stopped && is_gated && has_stood && has_lag)
    })
    .await;
    let in_b = stored(&chain.jetstream, "B").await;
    chain.pace("last", "0");
    eventually(LONG, async || stored(&chain.jetstream, "END").await == MESSAGES).await;

    let bottlenecks: Vec<_> = held_up.all("tidegate_bottleneck", &[]).collect();
    assert_eq!(bottlenecks.len(), 1, "{bottlenecks:?}");
    assert_eq!(bottlenecks[0].labels["tidegate_actor"], "last");
    let depth = held_up.sum("tidegate_queue_depth", &[b, last]).expect("the depth is shown");
    // Nothing leaves the stream and nothing more comes in.
    assert!(
        depth >= 100.0 && depth.to_string().parse::<u64>().is_ok_and(|depth| depth <= in_b),
        "{depth} of {in_b}"
    );
    assert!(held_up.sum("tidegate_flow_pressure", &[b, ("tidegate_mark", "messages")]) >= Some(0.5));
    eventually(PATIENCE, async || {
        let scrape = Scrape::of(&address).await;
        let is_open = scrape.sum("tidegate_flow_state", &[b]) == Some(0.0);
        is_open
            && scrape.sum("tidegate_queue_depth", &[b, last]) == Some(0.0)
            && scrape.sum("tidegate_bottleneck", &[]).is_none()
            && scrape.sum("tidegate_intake_stopped", &[]).is_none()
    })
    .await;
    assert!(runtime.count_log("is past its mark") > 0);
}
