//! Where emits and dead letters go.

use bytes::Bytes;
use tidegate::Headers;

use super::BoxFuture;

/// Publishes to streams.
pub trait Sink: Send + Sync {
    /// Returns when a stream has stored the message, or had stored one with the same id before.
    fn publish<'a>(&'a self, outbound: &'a Outbound) -> BoxFuture<'a, Result<(), SinkError>>;
}

/// A message to be stored. Cloning copies no payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// Where to; checked.
    pub subject: String,
    /// Its headers, without the id.
    pub headers: Headers,
    /// Its payload.
    pub payload: Bytes,
    /// Its `Nats-Msg-Id`: a repeat within the stream's duplicate window is not stored again.
    pub id: String,
}

/// Why a message was not stored, or is not known to be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The stream has reached a limit and discards what is new.
    #[error("the stream that takes `{subject}` is full")]
    Full {
        /// Where the message was to go.
        subject: String,
    },
    /// No stream takes the subject.
    #[error("no stream takes `{subject}`")]
    NoStream {
        /// Where the message was to go.
        subject: String,
    },
    /// Larger than the server or the stream allows.
    #[error("{bytes} bytes to `{subject}` are more than the limit of {limit}")]
    TooLarge {
        /// Where the message was to go.
        subject: String,
        /// Its size.
        bytes: usize,
        /// The limit that it breaks.
        limit: usize,
    },
    /// No answer in time: it may be stored or not. A denied publish and a full disk look like this, too.
    #[error(
        "no answer for `{subject}` within {seconds} s: the broker is away, its disk is full, or we may not publish there"
    )]
    Timeout {
        /// Where the message was to go.
        subject: String,
        /// How long we waited.
        seconds: u64,
    },
    /// The broker refused for another reason.
    #[error("the broker refused `{subject}`: {reason}")]
    Refused {
        /// Where the message was to go.
        subject: String,
        /// Its words.
        reason: String,
    },
}

impl SinkError {
    /// The error's name, as metrics show it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Full { .. } => "full",
            Self::NoStream { .. } => "no_stream",
            Self::TooLarge { .. } => "too_large",
            Self::Timeout { .. } => "timeout",
            Self::Refused { .. } => "refused",
        }
    }

    /// Whether the same message can never be stored, however long we wait.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::TooLarge { .. })
    }
}
