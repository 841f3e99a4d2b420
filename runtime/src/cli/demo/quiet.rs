//! Waits until the broker says that nothing is left to do.

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::{Instant, sleep};

use super::effort::Effort;
use crate::engine::Watch;
use crate::nats::{Backlog, Connection, ConsumerPlan};
use crate::port::SourceError;
use crate::topology::Topology;

/// How often we ask.
const INTERVAL: Duration = Duration::from_millis(50);

/// How long nothing may change before we believe that nothing ever will: longer than any backoff of the example.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until no actor has anything left to do, or nothing moves any more; says whether all is done.
pub(super) async fn quiet(
    connection: &Connection,
    topology: &Topology,
    watch: &Watch,
    progress: &ProgressBar,
) -> Result<bool, SourceError> {
    let consumers: Vec<ConsumerPlan> = ConsumerPlan::all(topology).collect();
    let mut before = (0, 0);
    let mut changed = Instant::now();
    let mut idle = 0;
    // What one actor emits while we look at the next one has been seen by the time we have looked as often as there
    // are actors.
    while idle < consumers.len() {
        sleep(INTERVAL).await;
        let mut left = 0;
        for consumer in &consumers {
            left += Backlog::of(connection, consumer).await?.total();
        }
        let effort = Effort::of(&watch.snapshot());
        progress.set_length((effort.handled + left).max(progress.length().unwrap_or_default()));
        progress.set_position(effort.handled);
        progress.set_message(effort.to_string());

        idle = if left == 0 { idle + 1 } else { 0 };
        if before != (left, effort.handled) {
            before = (left, effort.handled);
            changed = Instant::now();
        }
        if left > 0 && changed.elapsed() > PATIENCE {
            return Ok(false);
        }
    }
    Ok(true)
}
