//! A stored dead letter, as it is read back.

use std::time::SystemTime;

use bytes::Bytes;
use serde::Serialize;
use tidegate::{Headers, Message};

use crate::message::dead_letter::{Epitaph, original_headers};
use crate::nats::{ArchiveError, Reader};

/// A dead letter.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) entry: Entry,
    /// The headers that the message had when it was published.
    pub(super) headers: Headers,
    /// The message's payload, unchanged.
    pub(super) payload: Bytes,
    /// When the dead letter was written.
    pub(super) written: SystemTime,
}

/// What a listing tells about a dead letter.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    /// Its sequence in the dead-letter stream: what `show` and `replay` take.
    pub(super) dead_letter: u64,
    #[serde(flatten)]
    pub(super) epitaph: Epitaph,
}

impl Letter {
    /// Reads a message of the dead-letter stream; `None` for one that is no dead letter.
    pub(super) fn read(message: Message) -> Option<Self> {
        let epitaph = Epitaph::read(&message.headers)?;
        Some(Self {
            entry: Entry { dead_letter: message.sequence, epitaph },
            headers: original_headers(&message.headers),
            payload: message.payload,
            written: message.published,
        })
    }

    /// The next dead letter; what is none is passed over.
    pub(super) async fn next(reader: &mut Reader) -> Result<Option<Self>, ArchiveError> {
        while let Some(message) = reader.next().await? {
            if let Some(letter) = Self::read(message) {
                return Ok(Some(letter));
            }
        }
        Ok(None)
    }
}
