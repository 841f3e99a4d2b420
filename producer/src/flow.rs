//! The flow of a stream: whether its consumers keep up with its publishers, and why not.
//!
//! The instances that run a topology write it to the key-value bucket `{topology}-flow`, one entry per stream, keyed by
//! the stream's name. Anyone may watch the bucket.

mod board;
mod read;
mod reason;
mod watch;

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::timestamp;
pub(crate) use board::holds_back;
pub(crate) use reason::relief;
pub(crate) use watch::Keeper;

/// The bucket with the flow of all streams of a topology: `{topology}-flow`.
pub fn bucket(topology: &str) -> String {
    format!("{topology}-flow")
}

/// What a stream can take at this moment. Fields that a later version adds are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// The stream.
    pub stream: String,
    /// What publishers publish to: NATS subjects with wildcards.
    pub subjects: Vec<String>,
    /// What the stream can take.
    pub state: FlowState,
    /// Since when.
    #[serde(with = "timestamp")]
    pub since: SystemTime,
    /// How many messages a second all publishers together may store; only while the state is [`FlowState::Slow`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// How many messages a second are stored, smoothed over some seconds.
    pub stored: f64,
    /// How many messages a second are done by the slowest actor that reads the stream, smoothed over some seconds.
    pub done: f64,
    /// What is pressed hardest against its mark; `None` while nothing is near one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressure: Option<Pressure>,
    /// In how many seconds the stream is full if nothing changes; `None` while it does not fill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_in: Option<f64>,
    /// How many milliseconds after its arrival the entry holds unless a newer one arrives, by the clock of whoever
    /// received it. Then it is stale, and says nothing.
    pub holds: u64,
    /// Who wrote it.
    pub instance: String,
    /// When, by that instance's clock; for people, since clocks differ.
    #[serde(with = "timestamp")]
    pub written: SystemTime,
}

impl Flow {
    /// How long the entry holds from its arrival.
    pub fn holds(&self) -> Duration {
        Duration::from_millis(self.holds)
    }
}

/// What a stream can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FlowState {
    /// As much as it is given.
    Open,
    /// No more than [`Flow::rate`].
    Slow,
    /// Nothing.
    Stop,
    /// Something that only a later version knows; to be treated like an entry that is stale.
    #[serde(other)]
    Unknown,
}

impl FlowState {
    /// The state's name, as JSON and listings show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Slow => "slow",
            Self::Stop => "stop",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a stream is not open: the mark that it is pressed against, and by whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pressure {
    /// Which mark.
    pub mark: Mark,
    /// What is measured, in the mark's unit.
    pub value: f64,
    /// Below this the stream is open again, in the mark's unit.
    pub low: f64,
    /// At this the stream stops, in the mark's unit.
    pub high: f64,
    /// The actor that holds the stream up; `None` when nobody reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The actor's partition in which most messages wait, if one stands out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
    /// Since when the value is above `low`.
    #[serde(with = "timestamp")]
    pub since: SystemTime,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Mark {
    /// Messages that wait for the slowest actor or are in its hands.
    Messages,
    /// Their bytes, as the stream's mean message weighs.
    Bytes,
    /// Seconds since the oldest message was stored that the slowest actor has not done.
    Lag,
    /// Which share of the stream's limits is used, from 0 to 1.
    Fill,
    /// Something that only a later version knows.
    #[serde(other)]
    Unknown,
}

impl Mark {
    /// The mark's name, as JSON and listings show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Bytes => "bytes",
            Self::Lag => "lag",
            Self::Fill => "fill",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(text: &str) -> Flow {
        serde_json::from_str(text).expect("a flow")
    }

    #[test]
    fn reads_what_a_later_version_writes() {
        let flow = flow(
            r#"{"stream":"ORDERS","subjects":["orders.*.*"],"state":"ebb","since":"2026-11-22T03:04:05.678Z",
                "stored":1.5,"done":1,"holds":5000,"instance":"a","written":"2026-11-22T03:04:05.678Z","moon":"full",
                "pressure":{"mark":"tide","value":3,"low":1,"high":2,"since":"2026-11-22T03:04:05.678Z"}}"#,
        );

        assert_eq!(flow.state, FlowState::Unknown);
        assert_eq!(flow.pressure.map(|pressure| pressure.mark), Some(Mark::Unknown));
    }

    #[test]
    fn what_is_written_is_read() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let written = Flow {
            stream: "ORDERS".to_owned(),
            subjects: vec!["orders.*.*".to_owned()],
            state: FlowState::Slow,
            since,
            rate: Some(950.0),
            stored: 1000.0,
            done: 900.0,
            pressure: Some(Pressure {
                mark: Mark::Messages,
                value: 700.0,
                low: 500.0,
                high: 1000.0,
                actor: Some("payments".to_owned()),
                partition: Some(3),
                since,
            }),
            full_in: None,
            holds: 5000,
            instance: "a".to_owned(),
            written: since,
        };

        let text = serde_json::to_string(&written).expect("JSON");

        assert_eq!(flow(&text), written);
        assert!(
            text.contains(r#""state":"slow""#) && text.contains(r#""since":"2023-11-14T22:13:20.123Z""#),
            "{text}"
        );
    }
}
