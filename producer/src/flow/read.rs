//! Reads all entries of the bucket in one request: a direct get of the last message of every subject (ADR-31).

use std::time::Duration;

use async_nats::{Client, Message};
use futures_util::StreamExt;
use tokio::time::timeout;
use tracing::debug;

use super::Flow;

/// How long the whole answer may take.
const LIMIT: Duration = Duration::from_secs(2);
const OPERATION: &str = "KV-Operation";

/// All that can be read; `None` when the bucket does not answer, or not completely.
///
/// # Cancel safety
/// A cancelled call leaves nothing behind.
pub(super) async fn all(client: Client, bucket: String) -> Option<Vec<Flow>> {
    timeout(LIMIT, answers(&client, &bucket)).await.ok().flatten()
}

async fn answers(client: &Client, bucket: &str) -> Option<Vec<Flow>> {
    let inbox = client.new_inbox();
    let mut replies = client.subscribe(inbox.clone()).await.ok()?;
    let query = serde_json::json!({ "multi_last": [format!("$KV.{bucket}.>")] }).to_string();
    client.publish_with_reply(format!("$JS.API.DIRECT.GET.KV_{bucket}"), inbox, query.into()).await.ok()?;
    let mut flows = Vec::new();
    while let Some(reply) = replies.next().await {
        match reply.status.map(|status| status.as_u16()) {
            None | Some(200) if is_deletion(&reply) => {}
            None | Some(200) => flows.extend(decode(&reply)),
            // The end, or nothing there.
            Some(204 | 404) => return Some(flows),
            Some(status) => {
                debug!(bucket, status, "the flow cannot be read");
                return None;
            }
        }
    }
    None
}

/// Whether the message marks its key as deleted.
pub(super) fn is_deletion(message: &Message) -> bool {
    message.headers.as_ref().is_some_and(|headers| headers.get(OPERATION).is_some())
}

/// The entry, if it is one.
pub(super) fn decode(message: &Message) -> Option<Flow> {
    match serde_json::from_slice(&message.payload) {
        Ok(flow) => Some(flow),
        Err(error) => {
            debug!(subject = %message.subject, %error, "an entry that is no flow");
            None
        }
    }
}
