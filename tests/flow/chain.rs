//! A stage that stands still stops those before it, and they go on when it does.

use std::time::Duration;

use support::{NatsServer, eventually};
use tidegate_runtime::message::{FlowState, Mark};
use tokio::time::{Instant, sleep};

use super::{Chain, LONG, WINDOW};
use crate::workload::stored;

const MESSAGES: u64 = 1500;
const MARK: u64 = 200;

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_that_stands_still_stops_the_intake_of_those_before_it() {
    let server = NatsServer::start().await;
    let streams = [("a", 4000), ("b", MARK), ("c", MARK)];
    // Two stages share what comes out of the first one, and the last one takes from both.
    let stages = [
        ("first", "a", Some("b")),
        ("other", "a.again", Some("b.again")),
        ("second", "b", Some("c")),
        ("third", "b.again", Some("c")),
        ("last", "c", None),
    ];
    let chain = Chain::new(&server, &streams, &stages).await;
    chain.pace("last", "stop");
    let runtime = chain.start().await;

    chain.publish("a", 0..MESSAGES).await;
    chain.publish("a.again", MESSAGES..2 * MESSAGES).await;
    let stopped = chain.flow("C", |flow| flow.state == FlowState::Stop).await;
    runtime.wait_for_log("intake stopped: stream `C` is past its mark").await;
    runtime.wait_for_log("intake stopped: stream `B` is past its mark").await;
    let (mut deepest_b, mut deepest_c) = (0, 0);
    let watched = Instant::now();
    while watched.elapsed() < Duration::from_secs(8) {
        deepest_b = chain.depth("B").await.max(deepest_b);
        deepest_c = chain.depth("C").await.max(deepest_c);
        sleep(Duration::from_millis(50)).await;
    }
    chain.pace("last", "0");
    eventually(LONG, async || stored(&chain.jetstream, "END").await == 2 * MESSAGES).await;

    let pressure = stopped.pressure.expect("something presses");
    assert_eq!((pressure.mark, pressure.actor.as_deref()), (Mark::Messages, Some("last")));
    // Each of the two actors before a stream may have its window in hand when it stops. Two actors read `B`, and the mark
    // is for what waits for one of them.
    let (most_b, most_c) = (2 * MARK + 2 * WINDOW, MARK + 2 * WINDOW);
    assert!(deepest_b <= most_b, "{deepest_b} of at most {most_b} were stored");
    assert!(deepest_c <= most_c, "{deepest_c} of at most {most_c} were stored");
    assert!(deepest_c >= MARK / 2, "{deepest_c} is nowhere near the mark");
    runtime.wait_for_log("intake resumed").await;
    chain.flow("C", |flow| flow.state == FlowState::Open).await;
    chain.flow("B", |flow| flow.state == FlowState::Open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_stage_is_kept_busy_while_the_ones_before_it_wait() {
    let server = NatsServer::start().await;
    let chain =
        Chain::new(&server, &[("a", 4000), ("b", MARK)], &[("first", "a", Some("b")), ("last", "b", None)]);
    let chain = chain.await;
    chain.pace("last", "100");
    let _runtime = chain.start().await;

    chain.publish("a", 0..3000).await;
    chain.flow("B", |flow| flow.state == FlowState::Stop).await;
    let mut seen = Vec::new();
    while stored(&chain.jetstream, "END").await < 1500 {
        seen.push(chain.depth("B").await);
        sleep(Duration::from_millis(50)).await;
    }

    let most = seen.iter().max().copied().unwrap_or_default();
    let idle = seen.iter().filter(|depth| **depth < WINDOW / 2).count();
    assert!(most <= MARK + WINDOW, "{most} were stored");
    assert!(idle * 10 <= seen.len(), "the last stage ran dry in {idle} of {} looks: {seen:?}", seen.len());
}
