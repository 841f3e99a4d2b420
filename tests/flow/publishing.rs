//! `tidegate publish` heeds what is said of the stream.

use std::fs;

use support::NatsServer;
use tidegate_runtime::message::FlowState;
use tokio::time::timeout;

use super::{Chain, LONG};
use crate::cli::command;

const EVENTS: u64 = 2000;

#[tokio::test(flavor = "multi_thread")]
async fn publish_waits_while_nothing_is_done_and_goes_on_when_it_is() {
    let server = NatsServer::start().await;
    let chain = Chain::new(&server, &[("a", 200)], &[("last", "a", None)]).await;
    chain.pace("last", "stop");
    let runtime = chain.start().await;
    let lines: Vec<String> = (0..EVENTS).map(|id| format!("{{\"id\":{id}}}")).collect();
    fs::write(runtime.directory().join("events.jsonl"), lines.join("\n")).expect("a file can be written");

    let publishing = command(&chain.builder, "publish a.{id} events.jsonl --rate 400 --format json");
    let steering = async {
        chain.flow("A", |flow| matches!(flow.state, FlowState::Slow | FlowState::Stop)).await;
        let depth = chain.depth("a").await;
        chain.pace("last", "0");
        depth
    };
    let (ended, depth) =
        timeout(LONG, async { tokio::join!(publishing, steering) }).await.expect("it goes on");

    assert!(depth < EVENTS / 2, "{depth} were stored before it waited");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = ended.json();
    assert_eq!((&report["published"], &report["failed"]), (&EVENTS.into(), &0.into()), "{report}");
    assert!(report["throttled_ms"].as_u64().is_some_and(|waited| waited > 0), "{report}");
}
