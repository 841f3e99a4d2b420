//! What the server tells about a pull request other than messages (ADR-13).

use async_nats::{HeaderMap, Message, StatusCode};

/// The meaning of a status message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// The request is alive.
    Heartbeat,
    /// The request is over, as requests end, with so much of it open.
    Ended(Open),
    /// The request is over because the next message did not fit into what it allowed.
    Misfit(Open),
    /// Something has happened to the consumer; messages may be lost on their way.
    Broken(String),
}

/// What was open of a request when it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

impl Notice {
    /// Reads a status message; `None` for what has no status.
    pub(super) fn read(message: &Message) -> Option<Self> {
        let status = message.status?;
        let text = message.description.as_deref().unwrap_or_default();
        Some(Self::classify(status, text, Open::read(message.headers.as_ref())))
    }

    /// Only the known ends of a request are harmless; everything else calls for a fresh start.
    fn classify(status: StatusCode, text: &str, open: Open) -> Self {
        match (status.as_u16(), text) {
            (100, _) => Self::Heartbeat,
            (404 | 408, _) | (409, "Batch Completed") => Self::Ended(open),
            (409, "Message Size Exceeds MaxBytes") => Self::Misfit(open),
            (503, _) => Self::Broken("the consumer does not exist, or JetStream is not ready".to_owned()),
            (code, text) => Self::Broken(format!("{code} {text}")),
        }
    }
}

impl Open {
    fn read(headers: Option<&HeaderMap>) -> Self {
        let number = |name: &'static str| {
            headers.and_then(|headers| headers.get(name)?.as_str().parse().ok()).unwrap_or_default()
        };
        Self { messages: number("Nats-Pending-Messages"), bytes: number("Nats-Pending-Bytes") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Open = Open { messages: 3, bytes: 400 };

    fn classify(code: u16, text: &str) -> Notice {
        Notice::classify(StatusCode::from_u16(code).expect("a status"), text, OPEN)
    }

    #[test]
    fn known_ends_are_harmless() {
        assert_eq!(classify(100, "Idle Heartbeat"), Notice::Heartbeat);
        assert_eq!(classify(408, "Request Timeout"), Notice::Ended(OPEN));
        assert_eq!(classify(404, "No Messages"), Notice::Ended(OPEN));
        assert_eq!(classify(409, "Batch Completed"), Notice::Ended(OPEN));
        assert_eq!(classify(409, "Message Size Exceeds MaxBytes"), Notice::Misfit(OPEN));
    }

    #[test]
    fn everything_else_breaks_the_pull() {
        for (code, text) in [
            (409, "Consumer Deleted"),
            (409, "Leadership Change"),
            (409, "Server Shutdown"),
            (409, "Exceeded MaxWaiting"),
            (423, "Nats-Pin-Id mismatch"),
            (503, ""),
            (999, "what may come"),
        ] {
            assert!(matches!(classify(code, text), Notice::Broken(_)), "{code} {text}");
        }
    }

    #[test]
    fn open_counts_may_be_missing_or_wrong() {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Pending-Messages", "-3");

        assert_eq!(Open::read(Some(&headers)), Open { messages: 0, bytes: 0 });
        assert_eq!(Open::read(None), Open { messages: 0, bytes: 0 });
    }
}
