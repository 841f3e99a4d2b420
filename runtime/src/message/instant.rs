//! Moments as numbers, for records.

use std::time::{Duration, SystemTime};

/// Nanoseconds since the epoch; 0 before it.
pub(crate) fn nanos(time: SystemTime) -> u64 {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}
