//! Counts the dead letters of an actor now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::helm::Helm;
use crate::port::Held;

/// How often they are counted; those that we write ourselves are added meanwhile.
const PERIOD: Duration = Duration::from_secs(10);

/// Counts, without an end.
pub(crate) async fn count(helm: Arc<Helm>, dead_letters: Arc<dyn Held>) {
    loop {
        if let Some(count) = dead_letters.count().await {
            helm.hold(count);
        }
        sleep(PERIOD).await;
    }
}
