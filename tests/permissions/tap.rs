//! Hears what is published on a server.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_nats::Client;
use futures_util::StreamExt;
use serde_json::Value;
use support::{PATIENCE, eventually};

/// What JetStream, the buckets and the handlers of these tests use.
const HEARD: [&str; 6] = ["$JS.API.>", "$JS.ACK.>", "$KV.>", "tidegate.>", "tasks.>", "done.>"];

/// The subjects that were published to.
pub(super) struct Tap(Arc<Mutex<BTreeSet<String>>>);

impl Tap {
    /// Listens from now on.
    pub(super) async fn on(client: &Client) -> Self {
        let heard: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        for subject in HEARD {
            let mut messages = client.subscribe(subject).await.expect("the admin may");
            let heard = Arc::clone(&heard);
            tokio::spawn(async move {
                while let Some(message) = messages.next().await {
                    heard.lock().expect("nobody panics with it").insert(message.subject.to_string());
                }
            });
        }
        client.flush().await.expect("the server is there");
        Self(heard)
    }

    /// Waits for a subject that starts like this.
    pub(super) async fn wait_for(&self, start: &str) {
        eventually(PATIENCE, async || self.heard().iter().any(|subject| subject.starts_with(start))).await;
    }

    /// Forgets what was heard.
    pub(super) fn forget(&mut self) {
        self.0.lock().expect("nobody panics with it").clear();
    }

    /// The patterns to which nothing was published.
    pub(super) fn unused(&self, patterns: &Value) -> Vec<String> {
        let heard = self.heard();
        let is_unused = |pattern: &&str| !heard.iter().any(|subject| matches(pattern, subject));
        let patterns = patterns.as_array().expect("a list").iter().filter_map(Value::as_str);
        patterns.filter(is_unused).map(str::to_owned).collect()
    }

    fn heard(&self) -> BTreeSet<String> {
        self.0.lock().expect("nobody panics with it").clone()
    }
}

/// Whether the server would let somebody with that grant publish there.
fn matches(pattern: &str, subject: &str) -> bool {
    let mut tokens = subject.split('.');
    for wanted in pattern.split('.') {
        match (wanted, tokens.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(token)) if wanted == token => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}
