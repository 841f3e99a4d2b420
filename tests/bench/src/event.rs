//! The message that all contestants handle.

use serde::{Deserialize, Serialize};

/// What every contestant parses of a message. The padding is skipped.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    /// `e` and a number.
    pub(crate) entity: String,
    pub(crate) amount: u64,
    /// When it was published, in nanoseconds since 1970; 0 when nobody asks.
    #[serde(default)]
    pub(crate) at: u64,
}

impl Event {
    /// The number of its entity.
    pub(crate) fn index(&self) -> Option<usize> {
        self.entity.strip_prefix('e')?.parse().ok()
    }
}

/// What a contestant emits for a message.
#[derive(Debug, Serialize)]
pub(crate) struct Summed {
    pub(crate) entity: String,
    pub(crate) amount: u64,
}

impl From<Event> for Summed {
    fn from(event: Event) -> Self {
        Self { entity: event.entity, amount: event.amount }
    }
}

/// The payload for an entity, padded to `size` bytes.
pub(crate) fn payload(entity: usize, amount: u64, at: u64, size: usize) -> Vec<u8> {
    let head = match at {
        0 => format!(r#"{{"entity":"e{entity}","amount":{amount},"pad":""#),
        at => format!(r#"{{"entity":"e{entity}","amount":{amount},"at":{at},"pad":""#),
    };
    let mut payload = head.into_bytes();
    payload.resize(payload.len().max(size.saturating_sub(2)), b'x');
    payload.extend_from_slice(br#""}"#);
    payload
}

#[test]
fn payloads_have_their_size_and_are_read_back() {
    let bytes = payload(17, 5, 99, 128);

    let event: Event = serde_json::from_slice(&bytes).expect("it is JSON");

    assert_eq!(bytes.len(), 128);
    assert_eq!((event.index(), event.amount, event.at), (Some(17), 5, 99));
}
