//! What operators, or a dead-letter limit, have said about the work of an actor.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{nanos, timestamp};

/// The control of an actor: an entry of the key-value bucket `{topology}-controls`, whose key is the actor.
///
/// An actor without an entry is working. Unknown fields are ignored and unknown states read as `unknown`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// What the actor may do.
    pub state: ControlState,
    /// Since when; later than that of the entry that it replaced, whatever the clock of the writer says, so that of two
    /// the later is known.
    #[serde(with = "timestamp")]
    pub since: SystemTime,
    /// Why.
    #[serde(default)]
    pub why: String,
    /// Who said so: an instance, or a person at a machine.
    #[serde(default)]
    pub by: String,
}

/// What an actor may do, in all instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ControlState {
    /// Everything.
    Working,
    /// Nothing new: it takes nothing in and begins no attempt. What runs ends, what is in hand waits.
    Paused,
    /// It takes nothing in, and finishes what is in hand.
    Draining,
    /// Too many of its messages failed: it makes one attempt at a time, and writes no dead letters.
    Probing,
    /// Something that only a later version knows; it is treated like `paused`, which does no harm.
    #[serde(other)]
    Unknown,
}

impl Control {
    /// What holds where nothing was said.
    pub fn none() -> Self {
        Self {
            state: ControlState::Working,
            since: SystemTime::UNIX_EPOCH,
            why: String::new(),
            by: String::new(),
        }
    }

    /// What replaces this one.
    #[must_use]
    pub fn followed_by(
        &self,
        state: ControlState,
        now: SystemTime,
        why: impl Into<String>,
        by: impl Into<String>,
    ) -> Self {
        let since = whole_millis(now).max(self.since + Duration::from_millis(1));
        Self { state, since, why: why.into(), by: by.into() }
    }
}

/// As times are written.
fn whole_millis(time: SystemTime) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(nanos(time) / 1_000_000)
}

impl ControlState {
    /// The state's name, as JSON and listings show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Paused => "paused",
            Self::Draining => "draining",
            Self::Probing => "probing",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_millis(1_763_000_000_123);
        let written =
            Control { state: ControlState::Paused, since, why: "release 7".to_owned(), by: "ann".to_owned() };

        let text = serde_json::to_string(&written).expect("JSON");

        assert!(text.contains(r#""state":"paused""#), "{text}");
        assert_eq!(serde_json::from_str::<Control>(&text).expect("a control"), written);
    }

    #[test]
    fn what_a_later_version_writes_is_read() {
        let text = r#"{"state":"dreaming","since":"2026-11-22T03:04:05.678Z","colour":"red"}"#;

        let control: Control = serde_json::from_str(text).expect("a control");

        assert_eq!((control.state, control.why.as_str()), (ControlState::Unknown, ""));
    }

    #[test]
    fn what_follows_is_later_even_by_a_clock_that_is_slow() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let paused = Control::none().followed_by(ControlState::Paused, now, "", "a");

        let resumed = paused.followed_by(ControlState::Working, now - Duration::from_secs(500), "", "b");

        assert!(resumed.since > paused.since);
    }
}
