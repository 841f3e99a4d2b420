//! A connection that stands, and what is known about it.

use std::fmt;
use std::time::Duration;

use async_nats::jetstream;
use tidegate_producer::{Builder, Producer};
use tokio::sync::watch;

use crate::nats::link::{Link, Refusal, Watcher};

/// How long one request to the server may take.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection whose server can do what we need.
///
/// Clones share one connection. It reconnects by itself, for ever; what is published meanwhile queues, so every call
/// that waits for the broker has a timeout of its own.
#[derive(Clone)]
pub struct Connection {
    pub(super) client: async_nats::Client,
    pub(super) jetstream: jetstream::Context,
    pub(super) watcher: Watcher,
}

impl Connection {
    /// The client.
    pub fn client(&self) -> &async_nats::Client {
        &self.client
    }

    /// The JetStream API over the client; each request has a timeout of its own.
    pub fn jetstream(&self) -> &jetstream::Context {
        &self.jetstream
    }

    /// A producer over this connection, which is told of denied publishes.
    pub fn producer(&self) -> Builder {
        Producer::builder(self.client.clone()).denials(self.watcher.denials())
    }

    /// Whether the connection stands, and its changes; the latest state is never lost.
    pub fn link(&self) -> watch::Receiver<Link> {
        self.watcher.link()
    }

    /// What the server refused last, if that is not longer ago than `age`: a denied publish or request gets no
    /// answer, so this is all that tells it from a broker that is away.
    pub fn last_server_error(&self, age: Duration) -> Option<Refusal> {
        self.watcher.refusal(None, age)
    }

    /// What the server refused about `subject`, if that is not longer ago than `age`.
    pub fn refusal(&self, subject: &str, age: Duration) -> Option<Refusal> {
        self.watcher.refusal(Some(subject), age)
    }

    /// The largest message that the server takes, in bytes of headers and payload.
    pub fn max_payload(&self) -> usize {
        self.client.max_payload()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("link", &*self.link().borrow()).finish_non_exhaustive()
    }
}
