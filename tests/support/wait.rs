//! Waiting for a condition of another process, with a bound.

use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a test waits for something that should happen at once, on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(30);

const INTERVAL: Duration = Duration::from_millis(10);

/// Polls until `check` holds.
///
/// # Panics
/// When it does not hold within `limit`; the panic names the caller's line.
#[track_caller]
pub fn eventually(limit: Duration, mut check: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    eventually_some(limit, async move || check().await.then_some(()))
}

/// Polls until `check` gives a value, and returns it.
///
/// # Panics
/// When there is none within `limit`; the panic names the caller's line.
#[track_caller]
pub fn eventually_some<T>(
    limit: Duration,
    mut check: impl AsyncFnMut() -> Option<T>,
) -> impl Future<Output = T> {
    let caller = Location::caller();
    async move {
        let end = Instant::now() + limit;
        loop {
            if let Some(value) = check().await {
                return value;
            }
            assert!(Instant::now() < end, "not within {limit:?}: the wait at {caller}");
            sleep(INTERVAL).await;
        }
    }
}
