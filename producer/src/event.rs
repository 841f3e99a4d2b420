//! What is published: a payload for a subject, with an id and headers.

use bytes::Bytes;

/// An event to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub(crate) subject: String,
    pub(crate) payload: Bytes,
    pub(crate) id: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Event {
    /// An event for `subject`, a subject without wildcards. Without an id it gets a unique one when it is published.
    pub fn new(subject: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self { subject: subject.into(), payload: payload.into(), id: None, key: None, headers: Vec::new() }
    }

    /// Where it goes.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Its id, the header `Nats-Msg-Id`: of all events with one id, the stream stores one within its duplicate
    /// window.
    #[must_use]
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// What it is about. [`Producer::publish_all`](crate::Producer::publish_all) sends an event only when the earlier
    /// ones with its key are stored, so that not even a lost connection can change their order.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Adds a header. Names that begin with `Nats-` are instructions to the server and are refused.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}
