//! An entity's state as it lies in its bucket: with the last message that was applied to it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidegate::Message;

use crate::message::nanos;
use crate::port::{Entry, Revision};

/// What was loaded for an attempt, and guards what the attempt saves.
#[derive(Debug)]
pub(in crate::engine) struct Loaded {
    revision: Option<Revision>,
    envelope: Option<Envelope>,
}

/// The entry's value, readable with `nats kv get`.
#[derive(Debug, Serialize, Deserialize)]
struct Envelope {
    /// The stream of the last applied message.
    stream: String,
    /// Its sequence.
    sequence: u64,
    /// When it was published, in nanoseconds since the epoch: tells it from one of the same sequence in a stream that
    /// was deleted and created again.
    published: u64,
    state: Box<RawValue>,
}

impl Loaded {
    /// An entry that is not ours counts as absent, but its revision still guards it.
    pub(super) fn new(entry: Option<Entry>) -> Self {
        Self {
            revision: entry.as_ref().map(|entry| entry.revision),
            envelope: entry.and_then(|entry| serde_json::from_slice(&entry.value).ok()),
        }
    }

    /// Whether the message, or a later one of its entity, is already part of the state.
    pub(in crate::engine) fn is_applied(&self, message: &Message) -> bool {
        self.envelope.as_ref().is_some_and(|envelope| {
            *envelope.stream == *message.stream
                && message.sequence <= envelope.sequence
                && nanos(message.published) <= envelope.published
        })
    }

    pub(in crate::engine) fn state(&self) -> Option<&[u8]> {
        self.envelope.as_ref().map(|envelope| envelope.state.get().as_bytes())
    }

    pub(super) fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// What follows after `message` led to `state`, and the value to save.
    pub(super) fn successor(&self, message: &Message, state: &[u8]) -> (Self, Bytes) {
        let state = serde_json::from_slice(state).expect("the sdk encodes state as JSON");
        let envelope = Envelope {
            stream: message.stream.to_string(),
            sequence: message.sequence,
            published: nanos(message.published),
            state,
        };
        let value = serde_json::to_vec(&envelope).expect("an envelope has string keys").into();
        (Self { revision: self.revision, envelope: Some(envelope) }, value)
    }

    /// The same once it is saved.
    pub(super) fn saved_as(self, revision: Revision) -> Self {
        Self { revision: Some(revision), ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use tidegate::Headers;
    use tidegate::subject::TokenNames;

    use super::*;

    fn message(stream: &str, sequence: u64, seconds: u64) -> Message {
        Message {
            subject: "orders.42.placed".into(),
            tokens: TokenNames::default(),
            headers: Headers::new(),
            payload: Bytes::new(),
            stream: stream.into(),
            sequence,
            published: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
            key: "42".into(),
        }
    }

    fn loaded_after(applied: &Message) -> Loaded {
        let (_, value) = Loaded::new(None).successor(applied, b"7");
        Loaded::new(Some(Entry { value, revision: Revision(3) }))
    }

    #[test]
    fn knows_what_is_applied() {
        let loaded = loaded_after(&message("ORDERS", 5, 100));

        assert_eq!(loaded.state(), Some(&b"7"[..]));
        assert!(loaded.is_applied(&message("ORDERS", 5, 100)));
        assert!(loaded.is_applied(&message("ORDERS", 4, 99)));
        assert!(!loaded.is_applied(&message("ORDERS", 6, 101)));
    }

    #[test]
    fn a_stream_created_again_is_not_taken_for_the_old_one() {
        let loaded = loaded_after(&message("ORDERS", 5, 100));

        assert!(!loaded.is_applied(&message("ORDERS", 1, 200)));
        assert!(!loaded.is_applied(&message("PAYMENTS", 1, 50)));
    }
}
