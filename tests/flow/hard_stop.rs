//! Who knows nothing of flows is refused when the stream is full, and loses nothing that was acknowledged.

use std::collections::BTreeSet;

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use serde::Deserialize;
use support::{NatsServer, eventually, read_stream};

use super::{Chain, LONG};
use crate::workload::stored;

#[derive(Deserialize)]
struct Step {
    id: u64,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_publisher_is_refused_and_loses_nothing_that_was_acknowledged() {
    let server = NatsServer::start().await;
    let chain = Chain::new(&server, &[("a", 4000)], &[("only", "a", None)]).await;
    chain.pace("only", "20");
    let _runtime = chain.start().await;

    let (mut accepted, mut refused) = (BTreeSet::new(), 0_u64);
    let mut id = 0;
    while refused < 500 {
        let publishes = (id..id + 500).map(async |id| {
            let message = PublishMessage::build().payload(format!("{{\"id\":{id}}}").into());
            let sent = chain.jetstream.send_publish(format!("a.{id}"), message).await;
            (id, sent.expect("it can be sent").await)
        });
        for (id, answer) in futures_util::future::join_all(publishes).await {
            match answer {
                Ok(_) => drop(accepted.insert(id)),
                Err(error) => {
                    assert!(matches!(error.kind(), PublishErrorKind::Other), "{error:?}");
                    assert!(error.to_string().contains("maximum messages exceeded"), "{error}");
                    refused += 1;
                }
            }
        }
        id += 500;
        assert!(id < 100_000, "a stream of 5000 messages refuses nobody");
    }
    chain.pace("only", "0");

    assert!(accepted.len() >= 5000, "{} accepted", accepted.len());
    eventually(LONG, async || stored(&chain.jetstream, "A").await == 0).await;
    let done = read_stream(&chain.jetstream, "END").await;
    let done: BTreeSet<u64> = done
        .iter()
        .map(|message| serde_json::from_slice::<Step>(&message.payload).expect("a step").id)
        .collect();
    assert_eq!(done, accepted);
}
