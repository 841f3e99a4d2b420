//! Why an event is not published, or not known to be.

use std::time::Duration;

/// Why an event was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The stream is slow, stopped or full, or too many events are on their way. Nothing was stored.
    #[error("overloaded: {reason}; try again in {}", humantime::format_duration(*retry_after))]
    Overloaded {
        /// When another try may succeed.
        retry_after: Duration,
        /// What is in the way, for people: which actor, which mark.
        reason: String,
    },
    /// The stream was full for as long as the producer has patience. Nothing was stored.
    #[error("the stream of `{subject}` is full")]
    Full {
        /// The subject.
        subject: String,
    },
    /// The server does not let us publish to the subject. Nothing was stored. Only told by a producer that was given
    /// [`Denials`](crate::Denials); to others it is [`PublishError::Unknown`].
    #[error("not allowed to publish to `{subject}`: {reason}")]
    Unauthorised {
        /// The subject.
        subject: String,
        /// What the server said.
        reason: String,
    },
    /// The event is larger than the server or the stream takes. Nothing was stored.
    #[error("{bytes} bytes, of which {limit} are taken")]
    TooLarge {
        /// The size of its headers and payload, or of its payload alone.
        bytes: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// No stream takes the subject, or JetStream is away. Nothing was stored.
    #[error("no stream takes `{subject}`")]
    NoStream {
        /// The subject.
        subject: String,
    },
    /// The subject is none that events can be published to. Nothing was sent.
    #[error("`{subject}` {reason}")]
    BadSubject {
        /// The subject.
        subject: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A header cannot be sent, or is an instruction to the server. Nothing was sent.
    #[error("header `{name}` {reason}")]
    BadHeader {
        /// The header's name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The stream refuses the event for a reason of its own. Nothing was stored.
    #[error("the stream of `{subject}` refuses: {reason}")]
    Refused {
        /// The subject.
        subject: String,
        /// What the server said.
        reason: String,
    },
    /// Nobody said whether the event is stored, however often it was offered. Publishing it again with the same id is
    /// safe within the stream's duplicate window.
    #[error("no answer on `{subject}` within {}: it may be stored", humantime::format_duration(*.waited))]
    Unknown {
        /// The subject.
        subject: String,
        /// How long the last answer was waited for.
        waited: Duration,
    },
    /// The connection was closed for good. The event may be stored.
    #[error("the connection is closed")]
    Closed,
}

/// An event of many that was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {index}: {error}")]
#[non_exhaustive]
pub struct Unpublished {
    /// Which one, from 0.
    pub index: u64,
    /// Its id: the one it was given, or the one made for it.
    pub id: String,
    /// Why.
    #[source]
    pub error: PublishError,
}
