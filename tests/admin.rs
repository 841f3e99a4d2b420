//! The endpoint for operators: what it says of health, what it shows, and what it refuses; a real process.

mod health;
mod limits;
mod shown;
mod tokens;

use serde_json::Value;
use support::{PATIENCE, Runtime, eventually_some, get};

use crate::metrics::admin_of;
use crate::workload::Workload;

/// Longer than what the server denied is remembered.
const LONG: std::time::Duration = std::time::Duration::from_secs(90);

/// An answer with a JSON body.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    /// The reasons that an answer about health gives.
    fn reasons(&self) -> String {
        self.body["reasons"].to_string()
    }
}

/// Starts a process whose endpoint is open, and tells where.
async fn open(workload: Workload) -> (Runtime, Workload, String) {
    let workload = workload.env("TIDEGATE_ADMIN", "127.0.0.1:0");
    let runtime = workload.start().await;
    let address = admin_of(&runtime).await;
    (runtime, workload, address)
}

async fn ask(address: &str, path: &str) -> Answer {
    let (head, body) = get(address, path).await.expect("the endpoint answers");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {head} {body}"));
    Answer { status: status.unwrap_or_else(|| panic!("no status in `{head}`")), body }
}

/// Waits until the instance is ready.
async fn becomes_ready(address: &str) {
    eventually_some(LONG, async || (ask(address, "/readyz").await.status == 200).then_some(())).await;
}

/// Waits until the instance is not ready for a reason that has these words, and returns all reasons.
async fn becomes_unready(address: &str, words: &str) -> String {
    eventually_some(LONG, async || {
        let answer = ask(address, "/readyz").await;
        assert_eq!(answer.status == 200, answer.body["status"] == "ready", "{answer:?}");
        Some(answer.reasons()).filter(|reasons| answer.status == 503 && reasons.contains(words))
    })
    .await
}

/// Waits until all is done, and ends it.
async fn drain(mut runtime: Runtime) {
    assert!(runtime.drain(PATIENCE).await.success());
}
