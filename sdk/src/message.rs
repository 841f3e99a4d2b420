//! One event, as it lies in its stream.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use bytestring::ByteString;

use crate::Headers;
use crate::subject::TokenNames;

/// An immutable event: what a handler is given, before decoding.
#[derive(Debug, Clone)]
pub struct Message {
    /// The subject it was published to.
    pub subject: ByteString,
    /// The names that the topology gives to tokens of the subject.
    pub tokens: TokenNames,
    /// The headers it was published with.
    pub headers: Headers,
    /// The payload, not decoded.
    pub payload: Bytes,
    /// The stream that holds it.
    pub stream: Arc<str>,
    /// Its sequence in that stream.
    pub sequence: u64,
    /// When the stream stored it, by the server's clock.
    pub published: SystemTime,
    /// What it is about; empty when the message has no key. A clone may keep the whole message in memory.
    pub key: ByteString,
}

impl Message {
    /// The subject's token of that name, as in `{order}`.
    pub fn token(&self, name: &str) -> Option<&str> {
        self.tokens.find(name, &self.subject)
    }
}
