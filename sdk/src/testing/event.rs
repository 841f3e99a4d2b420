//! An event to be sent to a handler under test.

use bytes::Bytes;
use serde::Serialize;

use crate::{Headers, codec};

/// What is published to a handler under test: a subject, a payload, headers, and maybe a key.
#[derive(Debug, Clone)]
pub struct Event {
    pub(super) subject: String,
    pub(super) payload: Bytes,
    pub(super) headers: Headers,
    pub(super) key: Option<String>,
}

impl Event {
    /// An event with a JSON payload.
    ///
    /// # Panics
    /// When the payload has no such encoding.
    #[track_caller]
    pub fn json<T: Serialize + ?Sized>(subject: impl Into<String>, payload: &T) -> Self {
        Self::raw(subject, codec::json(payload).expect("the payload can be encoded"))
    }

    /// An event with a `MessagePack` payload.
    ///
    /// # Panics
    /// When the payload has no such encoding.
    #[track_caller]
    pub fn msgpack<T: Serialize + ?Sized>(subject: impl Into<String>, payload: &T) -> Self {
        Self::raw(subject, codec::msgpack(payload).expect("the payload can be encoded"))
    }

    /// An event with a payload that is sent as it is.
    pub fn raw(subject: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self { subject: subject.into(), payload: payload.into(), headers: Headers::new(), key: None }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Says what the event is about, for actors whose key comes from a header or from the payload.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}
