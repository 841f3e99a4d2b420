//! How a producer is made.

use std::time::Duration;

use async_nats::Client;

use crate::{Denials, Producer};

const WINDOW: usize = 256;
const ACK_WAIT: Duration = Duration::from_secs(5);
const RESEND: Duration = Duration::from_secs(30);

/// The settings of a producer to be.
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `connect`"]
pub struct Builder {
    pub(crate) client: Client,
    pub(crate) topology: Option<String>,
    pub(crate) window: usize,
    pub(crate) ack_wait: Duration,
    pub(crate) resend: Duration,
    pub(crate) patience: Option<Duration>,
    pub(crate) denials: Option<Denials>,
}

/// Why there is no producer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// A topology cannot have this name.
    #[error("`{name}` is no name of a topology: it takes letters, digits, `-` and `_`")]
    BadTopology {
        /// The name.
        name: String,
    },
}

impl Builder {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            topology: None,
            window: WINDOW,
            ack_wait: ACK_WAIT,
            resend: RESEND,
            patience: None,
            denials: None,
        }
    }

    /// The topology whose flow is watched. Without one only full streams are felt.
    pub fn topology(self, name: impl Into<String>) -> Self {
        Self { topology: Some(name.into()), ..self }
    }

    /// How many events may be on their way at a time, 256 unless told; at least one. The events of
    /// [`Producer::publish_all`] count apart, by call.
    pub fn window(self, window: usize) -> Self {
        Self { window: window.max(1), ..self }
    }

    /// How long the answer to one offer is waited for, 5 s unless told; in `publish_all`, where many wait behind each
    /// other, up to twice as long.
    pub fn ack_wait(self, ack_wait: Duration) -> Self {
        Self { ack_wait, ..self }
    }

    /// For how long an event without an answer is offered again, 30 s unless told. Must be shorter than the stream's
    /// duplicate window (two minutes unless the topology says otherwise), or an event may be stored twice.
    pub fn resend(self, resend: Duration) -> Self {
        Self { resend, ..self }
    }

    /// How long an event waits for a stream that is slow, stopped or full; for ever unless told.
    ///
    /// Then it fails with [`PublishError::Overloaded`](crate::PublishError::Overloaded) or
    /// [`PublishError::Full`](crate::PublishError::Full).
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
    }

    /// Where denied publishes are heard of.
    pub fn denials(self, denials: &Denials) -> Self {
        Self { denials: Some(denials.clone()), ..self }
    }

    /// Makes the producer, and waits a moment for what is known of the streams' flow. A topology that does not run
    /// yet, or a bucket that cannot be read, is no error: its streams are open until something is known.
    ///
    /// # Errors
    /// When the topology cannot have that name.
    pub async fn connect(self) -> Result<Producer, ConnectError> {
        if let Some(name) = self.topology.as_ref().filter(|name| !is_name(name)) {
            return Err(ConnectError::BadTopology { name: name.clone() });
        }
        Ok(Producer::start(self).await)
    }
}

fn is_name(name: &str) -> bool {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    !name.is_empty() && name.chars().all(is_allowed)
}
