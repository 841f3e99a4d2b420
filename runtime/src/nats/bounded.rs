//! Puts a bound on every wait for the broker: while it is away, what is sent to it queues without an end.

use std::time::Duration;

use tokio::time::timeout;

/// How long we wait for an answer of the broker.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// The broker's answer, or `None` when there was none in time.
pub(super) async fn bounded<F: Future>(call: F) -> Option<F::Output> {
    timeout(LIMIT, call).await.ok()
}
