//! What an instance tells about an actor beyond its shards: how long attempts take, and which entities stand out.

use serde::{Deserialize, Serialize};

/// How many entities of each kind are told of: the entry is written several times within `failover`.
const TOLD: usize = 3;

/// How much of a key and of a reason is told, in characters.
const LONGEST: usize = 80;

/// An actor in an instance, in the last minute.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorReport {
    /// Which.
    pub actor: String,
    /// In how many microseconds 99 of 100 attempts ended, to a fifth; `None` when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<u64>,
    /// How many entities wait, for their next attempt or for the broker.
    #[serde(default)]
    pub waits: u64,
    /// The entities that have a tenth or more of the actor's attempts, or of their time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hot: Vec<HotReport>,
    /// The entities that have waited longest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitReport>,
}

/// An entity with much to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotReport {
    /// Its key, cut off where it is long.
    pub key: String,
    /// Its attempts.
    pub attempts: u64,
    /// How long they took together, in milliseconds.
    pub took_ms: u64,
}

/// An entity that waits. Its times are as long as they are, so that they depend on no clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitReport {
    /// Its key, cut off where it is long.
    pub key: String,
    /// What for: `retry`, `emit_blocked`, ….
    pub what: String,
    /// Why, cut off where it is long.
    pub why: String,
    /// For how long, in milliseconds.
    pub for_ms: u64,
    /// For how long it will, where that is known, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_ms: Option<u64>,
}

impl ActorReport {
    /// The same, short enough for an entry.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.hot.truncate(TOLD);
        self.waiting.truncate(TOLD);
        let keys = self.hot.iter_mut().map(|hot| &mut hot.key);
        let words = self.waiting.iter_mut().flat_map(|wait| [&mut wait.key, &mut wait.why]);
        for text in keys.chain(words) {
            if let Some((end, _)) = text.char_indices().nth(LONGEST) {
                text.truncate(end);
            }
        }
        self
    }

    /// Whether there is anything to tell.
    pub fn is_empty(&self) -> bool {
        self.p99_us.is_none() && self.waits == 0 && self.hot.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_much_stands_out_an_entry_stays_small() {
        let long = || "ö".repeat(5000);
        let hot = HotReport { key: long(), attempts: 1, took_ms: 1 };
        let waiting =
            WaitReport { key: long(), what: "retry".to_owned(), why: long(), for_ms: 1, left_ms: None };
        let report = ActorReport {
            actor: "payments".to_owned(),
            hot: vec![hot; 10],
            waiting: vec![waiting; 20],
            ..ActorReport::default()
        };

        let text = serde_json::to_string(&report.cut()).expect("JSON");

        assert!(text.len() < 2500 && text.contains("payments"), "{}", text.len());
    }
}
