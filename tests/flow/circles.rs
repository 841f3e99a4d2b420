//! Where messages come back to, nobody waits for a mark: gates cannot wait for one another.

use support::{NatsServer, eventually};

use super::{Chain, LONG};
use crate::workload::stored;

#[tokio::test(flavor = "multi_thread")]
async fn a_cycle_whose_streams_are_past_their_marks_goes_on() {
    let server = NatsServer::start().await;
    let stages = [("there", "a", Some("b")), ("back", "b", Some("a.again")), ("out", "a.again", None)];
    let chain = Chain::new(&server, &[("a", 50), ("b", 50)], &stages).await;
    chain.pace("out", "5");
    chain.pace("back", "stop");

    // More than the marks waits in both streams, and each of the two actors emits into what the other one reads.
    let runtime = chain.start().await;
    chain.publish("a", 0..2000).await;
    eventually(LONG, async || chain.depth("B").await > 300).await;
    chain.pace("back", "0");

    eventually(LONG, async || stored(&chain.jetstream, "END").await == 2000).await;
    assert_eq!(runtime.count_log("intake stopped"), 0);
}
