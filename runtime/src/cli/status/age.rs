//! How long ago something was, for people.

use std::time::{Duration, SystemTime};

/// `0.4s`, `37s`, `5m 3s`, `2h 7m`, `3days 4h`: two units at most.
pub(super) fn shown(age: Duration) -> String {
    if age < Duration::from_secs(10) {
        return format!("{:.1}s", age.as_secs_f64());
    }
    let text = humantime::format_duration(Duration::from_secs(age.as_secs())).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// From `earlier` to `later`, nothing when they are the other way round: the times of one message and of the next
/// answer may come from different servers.
pub(super) fn between(earlier: SystemTime, later: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

/// For `#[serde(serialize_with = "…")]`: seconds, to the millisecond.
pub(super) fn seconds<S: serde::Serializer>(age: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer
        .serialize_f64(Duration::from_millis(age.as_millis().try_into().unwrap_or(u64::MAX)).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_as_precise_as_people_need() {
        let texts =
            [412, 37_900, 303_000, 7_654_000, 273_600_000].map(|age| shown(Duration::from_millis(age)));

        assert_eq!(texts, ["0.4s", "37s", "5m 3s", "2h 7m", "3days 4h"]);
    }
}
