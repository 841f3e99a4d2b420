//! What is said of a stream that is past its mark: in `status`, and when nobody says anything any more.

use serde_json::Value;
use support::{NatsServer, eventually};
use tidegate_runtime::message::FlowState;

use super::{Chain, LONG};
use crate::cli::command;

async fn status(chain: &Chain) -> Value {
    command(&chain.builder, "status --format json").await.json()
}

fn stream<'a>(status: &'a Value, name: &str) -> &'a Value {
    let streams = status["streams"].as_array().expect("a list");
    streams.iter().find(|stream| stream["stream"] == name).unwrap_or(&Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn status_names_what_holds_the_chain_up_and_notices_when_nobody_says_so_any_more() {
    let server = NatsServer::start().await;
    let stages = [("first", "a", Some("b")), ("last", "b", None)];
    let chain = Chain::new(&server, &[("a", 4000), ("b", 200)], &stages).await;
    chain.pace("last", "stop");
    let mut runtime = chain.start().await;
    chain.publish("a", 0..1000).await;
    chain.flow("B", |flow| flow.state == FlowState::Stop && flow.pressure.is_some()).await;

    eventually(LONG, async || {
        let status = status(&chain).await;
        let held_up = &status["shards"][0]["owner"]["intake_stopped_by"];
        stream(&status, "B")["partition"].is_number() && held_up == "B"
    })
    .await;
    let told = status(&chain).await;
    let shown = command(&chain.builder, "status").await.stdout;
    runtime.kill9();
    eventually(LONG, async || stream(&status(&chain).await, "B")["state"] == "unknown").await;

    let last = stream(&told, "B");
    assert_eq!((&last["state"], &last["actor"]), (&"stop".into(), &"last".into()), "{last}");
    assert!(
        last["why"].as_str().is_some_and(|why| why.contains("of 200 messages wait for actor `last`")),
        "{last}"
    );
    assert!(shown.contains("queue depth exceeding threshold on stream `B`"), "{shown}");
    assert!(shown.contains("actor `first` takes nothing in: its output `B` is past its mark"), "{shown}");
}
