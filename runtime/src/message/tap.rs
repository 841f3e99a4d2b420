//! What is asked of a tap, and what it shows: an actor's messages as they end.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// The most bytes of a payload that are shown.
const PREVIEW: usize = 256;

/// The most bytes of an error that are shown.
const ERROR: usize = 500;

/// Somebody wants to see messages of an actor, for a while. Says so again as long as he does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TapRequest {
    /// Who asks, so that a second word replaces the first.
    pub id: String,
    /// How long this holds, in milliseconds; 0 ends it.
    pub holds_ms: u64,
    /// What he wants to see.
    #[serde(flatten)]
    pub filter: TapFilter,
}

/// Which messages are shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TapFilter {
    /// Those of this entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Those whose subject matches: `*` or `{name}` is a token, `>` at the end all that follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Those that end so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<TapOutcome>,
    /// What part of them, from 0 to 1.
    #[serde(default = "whole")]
    pub sample: f64,
}

/// How an attempt, or a message, ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TapOutcome {
    /// It is done.
    Ok,
    /// The attempt failed, and there will be another one.
    Retry,
    /// The message is dead-lettered.
    Dead,
}

/// A message as it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tapped {
    /// When.
    #[serde(with = "super::timestamp")]
    pub at: SystemTime,
    /// Where.
    pub instance: String,
    /// The actor.
    pub actor: String,
    /// The message's stream.
    pub stream: String,
    /// Its sequence there.
    pub sequence: u64,
    /// Its subject.
    pub subject: String,
    /// Its key.
    pub key: String,
    /// Which attempt it was.
    pub attempt: u32,
    /// How it ended.
    pub outcome: TapOutcome,
    /// How long the attempt took, with its effects, in milliseconds; `None` when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The beginning of the payload.
    pub payload: String,
    /// How many bytes the payload has.
    pub bytes: usize,
    /// How many messages of the actor were not shown since the last one that was, since they came too fast.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u64,
}

impl TapFilter {
    /// Takes everything.
    pub fn all() -> Self {
        Self { key: None, subject: None, outcome: None, sample: whole() }
    }

    /// Whether this is shown. What is decided for one attempt of a message by its sequence holds for the others.
    pub fn takes(&self, subject: &str, key: &str, sequence: u64, outcome: TapOutcome) -> bool {
        self.outcome.is_none_or(|wanted| wanted == outcome)
            && self.key.as_ref().is_none_or(|wanted| wanted == key)
            && self.subject.as_ref().is_none_or(|pattern| matches(pattern, subject))
            && is_sampled(sequence, self.sample)
    }
}

impl TapOutcome {
    /// Its name, as listings show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Retry => "retry",
            Self::Dead => "dead",
        }
    }
}

impl Tapped {
    /// The beginning of a payload as text; what is none is replaced.
    pub fn preview(payload: &[u8]) -> String {
        let shown = &payload[..payload.len().min(PREVIEW)];
        let text = String::from_utf8_lossy(shown);
        // The last character may have been cut in two.
        let whole = if shown.len() < payload.len() { text.trim_end_matches('\u{fffd}') } else { &text };
        whole.to_owned()
    }

    /// An error, cut off where it is long.
    pub fn reason(mut text: String) -> String {
        text.truncate(text.floor_char_boundary(ERROR));
        text
    }

    /// A time in milliseconds, to the microsecond.
    pub fn millis(took: Duration) -> f64 {
        (took.as_secs_f64() * 1e6).round() / 1e3
    }
}

fn whole() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over the field as it is")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn matches(pattern: &str, subject: &str) -> bool {
    let mut tokens = subject.split('.');
    for wanted in pattern.split('.') {
        let is_any = wanted == "*" || (wanted.starts_with('{') && wanted.ends_with('}'));
        match tokens.next() {
            Some(_) if wanted == ">" => return true,
            Some(token) if is_any || token == wanted => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}

/// Spreads sequences evenly over 0 to 1 (the finalizer of `SplitMix64`).
#[expect(clippy::cast_precision_loss, reason = "a sample need not be that precise")]
fn is_sampled(sequence: u64, sample: f64) -> bool {
    let mut mixed = sequence.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    sample >= 1.0 || (mixed as f64 / u64::MAX as f64) < sample
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(filter: &TapFilter, sequence: u64) -> bool {
        filter.takes("orders.17.placed", "17", sequence, TapOutcome::Retry)
    }

    #[test]
    fn every_condition_must_hold() {
        let fitting = TapFilter {
            key: Some("17".to_owned()),
            subject: Some("orders.{order}.*".to_owned()),
            outcome: Some(TapOutcome::Retry),
            sample: 1.0,
        };
        let others = [
            TapFilter { key: Some("1".to_owned()), ..fitting.clone() },
            TapFilter { subject: Some("orders.*".to_owned()), ..fitting.clone() },
            TapFilter { outcome: Some(TapOutcome::Ok), ..fitting.clone() },
            TapFilter { sample: 0.0, ..fitting.clone() },
        ];

        assert!(takes(&fitting, 4711) && takes(&TapFilter::all(), 4711));
        assert_eq!(others.map(|filter| takes(&filter, 4711)), [false; 4]);
    }

    #[test]
    fn subjects_match_as_on_the_server() {
        let cases = [
            ("orders.17.placed", true),
            ("orders.*.placed", true),
            ("orders.>", true),
            (">", true),
            ("orders.17", false),
            ("orders.17.placed.>", false),
            ("orders.17.placed.x", false),
            ("*.17", false),
        ];

        for (pattern, is_match) in cases {
            assert_eq!(matches(pattern, "orders.17.placed"), is_match, "{pattern}");
        }
    }

    #[test]
    fn a_sample_is_as_large_as_was_asked_for_and_the_same_everywhere() {
        let tenth = TapFilter { sample: 0.1, ..TapFilter::all() };

        let taken: Vec<u64> = (0..10_000).filter(|sequence| takes(&tenth, *sequence)).collect();

        assert!((900..1100).contains(&taken.len()), "{}", taken.len());
        assert!(taken.iter().all(|sequence| tenth.takes("x", "y", *sequence, TapOutcome::Dead)));
    }

    #[test]
    fn a_payload_is_shown_as_far_as_it_is_short_text() {
        let long = "ö".repeat(200);

        assert_eq!(Tapped::preview(b"{\"id\":1}"), "{\"id\":1}");
        assert_eq!(Tapped::preview(long.as_bytes()), "ö".repeat(128));
        assert_eq!(Tapped::preview(format!("a{long}").as_bytes()), format!("a{}", "ö".repeat(127)));
        assert_eq!(Tapped::preview(&[0xff, b'x']), "\u{fffd}x");
    }

    #[test]
    fn a_request_needs_no_filter() {
        let request: TapRequest = serde_json::from_str(r#"{"id":"a","holds_ms":5000}"#).expect("a request");

        assert_eq!(request.filter, TapFilter::all());
    }
}
