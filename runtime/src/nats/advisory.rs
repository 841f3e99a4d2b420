//! What the server tells about a message that it will not deliver any more.

use serde::Deserialize;

use super::settle::TERM_PREFIX;

const EXHAUSTED: &str = "io.nats.jetstream.advisory.v1.max_deliver";
const TERMINATED: &str = "io.nats.jetstream.advisory.v1.terminated";

/// An advisory about one of our messages.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Advisory {
    /// The message was delivered as often as the consumer allows, or somebody else terminated it.
    Lost {
        /// Its sequence in its stream.
        sequence: u64,
        /// How often it was delivered.
        deliveries: u32,
    },
    /// We terminated it ourselves, after its dead letter was stored.
    Own,
}

/// Why an advisory is not one that the server wrote about our consumer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AdvisoryError {
    #[error("it is malformed")]
    Malformed,
    #[error("it is of type `{0}`")]
    Type(String),
    #[error("it is about consumer `{consumer}` of stream `{stream}`")]
    Foreign { stream: String, consumer: String },
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "type")]
    kind: String,
    stream: String,
    consumer: String,
    stream_seq: u64,
    deliveries: u64,
    #[serde(default)]
    reason: String,
}

impl Advisory {
    /// Reads an advisory that should be about `consumer` of `stream`. Whoever may publish to its subject can forge
    /// one, so its subject alone is not believed.
    pub(super) fn read(payload: &[u8], stream: &str, consumer: &str) -> Result<Self, AdvisoryError> {
        let body: Body = serde_json::from_slice(payload).map_err(|_| AdvisoryError::Malformed)?;
        if body.stream != stream || body.consumer != consumer {
            return Err(AdvisoryError::Foreign { stream: body.stream, consumer: body.consumer });
        }
        match body.kind.as_str() {
            TERMINATED if body.reason.starts_with(TERM_PREFIX.trim_end()) => Ok(Self::Own),
            EXHAUSTED | TERMINATED => Ok(Self::Lost {
                sequence: body.stream_seq,
                deliveries: u32::try_from(body.deliveries).unwrap_or(u32::MAX),
            }),
            _ => Err(AdvisoryError::Type(body.kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, reason: &str) -> Result<Advisory, AdvisoryError> {
        let body = serde_json::json!({
            "type": kind, "id": "x", "timestamp": "2026-11-21T00:00:00Z",
            "stream": "ORDERS", "consumer": "shop-payments", "stream_seq": 7, "deliveries": 10, "reason": reason,
        });
        Advisory::read(body.to_string().as_bytes(), "ORDERS", "shop-payments")
    }

    #[test]
    fn reads_what_the_server_gave_up() {
        assert_eq!(read(EXHAUSTED, ""), Ok(Advisory::Lost { sequence: 7, deliveries: 10 }));
        assert_eq!(read(TERMINATED, "an operator"), Ok(Advisory::Lost { sequence: 7, deliveries: 10 }));
    }

    #[test]
    fn knows_our_own_terms() {
        assert_eq!(read(TERMINATED, "tidegate: failed"), Ok(Advisory::Own));
    }

    #[test]
    fn refuses_what_the_server_did_not_write_about_our_consumer() {
        assert_eq!(
            read("io.nats.jetstream.advisory.v1.nak", ""),
            Err(AdvisoryError::Type("io.nats.jetstream.advisory.v1.nak".to_owned()))
        );
        assert_eq!(Advisory::read(b"{}", "ORDERS", "shop-payments"), Err(AdvisoryError::Malformed));
        assert_eq!(Advisory::read(b"\xff", "ORDERS", "shop-payments"), Err(AdvisoryError::Malformed));

        let foreign = serde_json::json!({
            "type": EXHAUSTED, "stream": "ORDERS", "consumer": "other", "stream_seq": 7, "deliveries": 1,
        });
        let read = Advisory::read(foreign.to_string().as_bytes(), "ORDERS", "shop-payments");
        assert!(matches!(read, Err(AdvisoryError::Foreign { .. })));
    }
}
