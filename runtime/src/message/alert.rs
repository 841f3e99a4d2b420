//! Something that hurts or soon will, in a number of an actor that is past its threshold.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::timestamp;

/// An alert that is raised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Which number.
    pub name: AlertName,
    /// Of which actor.
    pub actor: String,
    /// What it is, in `unit`.
    pub value: f64,
    /// What it is held against, in `unit`.
    pub threshold: f64,
    /// What it counts.
    pub unit: AlertUnit,
    /// When it was raised.
    #[serde(with = "timestamp")]
    pub since: SystemTime,
    /// The same in words.
    pub text: String,
}

/// An alert that was raised or cleared, as it is published to `tidegate.{topology}.alerts.{actor}.{name}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// Which of both.
    pub event: AlertTurn,
    /// Who says so.
    pub instance: String,
    /// When, by the clock of that instance.
    #[serde(with = "timestamp")]
    pub at: SystemTime,
    /// The alert.
    #[serde(flatten)]
    pub alert: Alert,
}

/// What became of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AlertTurn {
    /// It was past its threshold for long enough.
    Raised,
    /// It is clearly below again.
    Cleared,
}

/// The number that an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AlertName {
    /// Messages that wait in the stream.
    QueueDepth,
    /// How long ago the oldest message was stored that is not done.
    Lag,
    /// How long an attempt takes.
    Processing,
    /// Dead letters that are held.
    DeadLetters,
    /// Dead letters in a minute.
    DeadLetterRate,
    /// How long some entity has waited for the broker to take its effects.
    Blocked,
    /// How long nothing has been done although something is there.
    Stalled,
    /// Something that only a later version knows.
    #[serde(other)]
    Unknown,
}

/// What an alert counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AlertUnit {
    /// Messages.
    Messages,
    /// Messages in a minute.
    PerMinute,
    /// Seconds.
    Seconds,
    /// Something that only a later version knows.
    #[serde(other)]
    Unknown,
}

impl AlertName {
    /// All that there are.
    pub const ALL: [Self; 7] = [
        Self::QueueDepth,
        Self::Lag,
        Self::Processing,
        Self::DeadLetters,
        Self::DeadLetterRate,
        Self::Blocked,
        Self::Stalled,
    ];

    /// The name, as JSON, subjects, metrics and the topology show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueDepth => "queue_depth",
            Self::Lag => "lag",
            Self::Processing => "processing",
            Self::DeadLetters => "dead_letters",
            Self::DeadLetterRate => "dead_letter_rate",
            Self::Blocked => "blocked",
            Self::Stalled => "stalled",
            Self::Unknown => "unknown",
        }
    }

    /// What it counts.
    pub fn unit(self) -> AlertUnit {
        match self {
            Self::QueueDepth | Self::DeadLetters => AlertUnit::Messages,
            Self::DeadLetterRate => AlertUnit::PerMinute,
            Self::Lag | Self::Processing | Self::Blocked | Self::Stalled => AlertUnit::Seconds,
            Self::Unknown => AlertUnit::Unknown,
        }
    }

    /// The alert in words that people search for.
    pub fn text(self, value: f64, threshold: f64) -> String {
        match self {
            Self::QueueDepth => format!("queue depth exceeding threshold: {value:.0} events pending"),
            Self::Lag => format!("consumer lag increasing: {} behind", seconds(value)),
            Self::Processing => {
                format!(
                    "event processing time exceeding threshold: {}ms for the slowest attempt",
                    millis(value)
                )
            }
            Self::DeadLetters => format!("dead letter queue overflow: {value:.0} failed events"),
            Self::DeadLetterRate => {
                format!("dead letter rate exceeding threshold: {value:.0} failed events a minute")
            }
            Self::Blocked => {
                format!("entities blocked for {}: the broker does not take what they emit", seconds(value))
            }
            Self::Stalled => format!("actor stalled: events wait, and none was done for {}", seconds(value)),
            Self::Unknown => format!("{value} exceeding threshold: {threshold}"),
        }
    }
}

impl AlertUnit {
    /// The word for it, as JSON shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::PerMinute => "per_minute",
            Self::Seconds => "seconds",
            Self::Unknown => "unknown",
        }
    }
}

impl AlertTurn {
    /// The word for it, as JSON shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Cleared => "cleared",
        }
    }
}

fn seconds(value: f64) -> String {
    let whole = Duration::try_from_secs_f64(value).unwrap_or_default().as_secs();
    format!("{whole}s")
}

fn millis(value: f64) -> u128 {
    Duration::try_from_secs_f64(value).unwrap_or_default().as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_in_the_words_that_people_search_for() {
        let text = |name: AlertName, value| name.text(value, 1.0);

        assert_eq!(
            text(AlertName::QueueDepth, 50_000.0),
            "queue depth exceeding threshold: 50000 events pending"
        );
        assert_eq!(text(AlertName::Lag, 30.4), "consumer lag increasing: 30s behind");
        assert_eq!(text(AlertName::DeadLetters, 10_000.0), "dead letter queue overflow: 10000 failed events");
    }

    #[test]
    fn an_event_is_flat_json() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_millis(1_763_000_000_123);
        let alert = Alert {
            name: AlertName::DeadLetterRate,
            actor: "payments".to_owned(),
            value: 12.0,
            threshold: 10.0,
            unit: AlertUnit::PerMinute,
            since,
            text: "text".to_owned(),
        };
        let event = AlertEvent { event: AlertTurn::Raised, instance: "a".to_owned(), at: since, alert };

        let text = serde_json::to_string(&event).expect("JSON");

        assert!(text.starts_with(r#"{"event":"raised","instance":"a","#), "{text}");
        assert!(text.contains(r#""name":"dead_letter_rate","actor":"payments""#), "{text}");
        assert_eq!(serde_json::from_str::<AlertEvent>(&text).expect("an event"), event);
    }

    #[test]
    fn every_name_is_written_as_it_is_shown() {
        for name in AlertName::ALL {
            assert_eq!(serde_json::to_value(name).expect("JSON"), name.as_str());
        }
    }
}
