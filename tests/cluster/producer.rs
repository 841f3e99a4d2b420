//! A producer that does what the guarantees ask of it: it sends a message, always with the same id, until a stream
//! has stored it.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::message::PublishMessage;
use futures_util::StreamExt;
use serde_json::Value;
use support::{Cluster, PATIENCE, eventually};

/// Messages on their way at a time: their order in the stream is not that in which they are sent.
const AT_ONCE: usize = 64;

/// Publishes tasks, each of them an entity and what its handler is to do, whatever happens to the servers.
///
/// # Panics
/// When one is not stored within [`PATIENCE`].
pub(super) async fn produce(cluster: &Cluster, tasks: impl IntoIterator<Item = (String, Value)>) {
    let jetstream = cluster.jetstream().await;
    let sent = tasks.into_iter().map(|(entity, task)| store(&jetstream, entity, task));
    futures_util::stream::iter(sent).for_each_concurrent(AT_ONCE, |stored| stored).await;
}

async fn store(jetstream: &jetstream::Context, entity: String, task: Value) {
    let message = PublishMessage::build().message_id(task["id"].to_string()).payload(task.to_string().into());
    eventually(PATIENCE, async || is_stored(jetstream, format!("tasks.{entity}"), message.clone()).await)
        .await;
}

async fn is_stored(jetstream: &jetstream::Context, subject: String, message: PublishMessage) -> bool {
    // The client waits for a connection for ever.
    let sent = tokio::time::timeout(Duration::from_secs(2), jetstream.send_publish(subject, message)).await;
    match sent {
        Ok(Ok(ack)) => ack.await.is_ok(),
        Ok(Err(_)) | Err(_) => false,
    }
}
