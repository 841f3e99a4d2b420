//! The bucket is deleted, the instance that reckons is killed, the broker is restarted: flows are told again, and nothing
//! is lost.

use support::{NatsServer, PATIENCE, eventually};
use tidegate_runtime::message::FlowState;

use super::{Chain, LONG};
use crate::workload::{TOPOLOGY, stored};

const MESSAGES: u64 = 2000;

#[tokio::test(flavor = "multi_thread")]
async fn flows_survive_the_bucket_the_reckoner_and_the_broker() {
    let mut server = NatsServer::start().await;
    let stages = [("first", "a", Some("b")), ("last", "b", None)];
    let chain = Chain::new(&server, &[("a", 4000), ("b", 200)], &stages).await;
    chain.pace("last", "stop");
    let mut instances = [chain.start_as("one").await, chain.start_as("two").await];
    chain.publish("a", 0..MESSAGES).await;
    chain.flow("B", |flow| flow.state == FlowState::Stop).await;

    let bucket = format!("{TOPOLOGY}-flow");
    chain.jetstream.delete_key_value(&bucket).await.expect("it was there");
    let remade = chain.flow("B", |flow| flow.state == FlowState::Stop).await;

    let reckoner = usize::from(remade.instance == "two");
    instances[reckoner].kill9();
    let heir =
        chain.flow("B", |flow| flow.instance != remade.instance && flow.state == FlowState::Stop).await;

    server.restart().await;
    let after = chain.flow("B", |flow| flow.written > heir.written && flow.state == FlowState::Stop).await;
    eventually(PATIENCE, async || chain.jetstream.get_stream("END").await.is_ok()).await;

    chain.pace("last", "0");
    eventually(LONG, async || stored(&chain.jetstream, "END").await >= MESSAGES).await;
    chain.flow("B", |flow| flow.state == FlowState::Open).await;
    assert_eq!(after.instance, heir.instance);
    assert_eq!(stored(&chain.jetstream, "END").await, MESSAGES, "emits have ids, so nothing is there twice");
}
