//! Settles deliveries by publishing to their ack subjects (ADR-15).

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_nats::Subject;
use bytes::Bytes;
use futures_util::FutureExt;
use tracing::warn;

use super::Connection;
use super::ack_subject::{self, AckSubject};
use super::bounded::bounded;
use crate::port::{BoxFuture, Receipt, Settle, Settlement};

/// What the reasons of our own terms start with, so that the server's advisory about one is told from a foreign one.
pub(super) const TERM_PREFIX: &str = "tidegate: ";
/// A sequence that no stream and no consumer reaches.
const NEVER_DELIVERED: u64 = 1_000_000_000_000_000;

/// Settles the deliveries of one consumer over one connection. Clones are the same one.
#[derive(Debug, Clone)]
pub struct NatsSettle {
    connection: Connection,
    /// Where the consumer is asked whether it has handled all before.
    probe: Arc<OnceLock<Subject>>,
}

impl NatsSettle {
    /// Settles over `connection`.
    pub fn new(connection: Connection) -> Self {
        Self { connection, probe: Arc::default() }
    }

    /// A settlement that cannot be sent is given up: the lease ends and the message comes back.
    pub(super) async fn publish(&self, ack_subject: Bytes, settlement: Settlement) {
        let Some(subject) = self.subject(ack_subject) else {
            return warn!("a receipt is not a subject");
        };
        let reason =
            match bounded(self.connection.client().publish(subject.clone(), encode(settlement))).await {
                Some(Ok(())) => return,
                Some(Err(error)) => error.to_string(),
                None => "the connection is away and its queue is full".to_owned(),
            };
        warn!(%subject, reason, "gave up a settlement, the message will be delivered again");
    }

    /// Publishes at once, without the timer that a wait would need.
    fn try_publish(&self, ack_subject: Bytes, settlement: Settlement) -> bool {
        let Some(subject) = self.subject(ack_subject) else { return false };
        let publishing = self.connection.client().publish(subject, encode(settlement));
        matches!(publishing.now_or_never(), Some(Ok(())))
    }

    fn subject(&self, ack_subject: Bytes) -> Option<Subject> {
        let subject = Subject::try_from(ack_subject).ok()?;
        if self.probe.get().is_none()
            && let Some(delivery) = AckSubject::parse(&subject)
        {
            let probe = ack_subject::for_sequence(delivery.consumer, NEVER_DELIVERED, NEVER_DELIVERED);
            self.probe.get_or_init(|| probe.into());
        }
        Some(subject)
    }

    /// Waits for the answer to one more settlement: a consumer handles them one after the other, so it has handled all
    /// before. That of a message which does not exist changes nothing.
    async fn confirm(&self) {
        let Some(probe) = self.probe.get() else { return };
        let answer = self.connection.client().request(probe.clone(), encode(Settlement::Nak(Duration::ZERO)));
        match bounded(answer).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => warn!(%error, "the last settlements are not confirmed"),
            None => warn!("the last settlements are not confirmed: no answer in time"),
        }
    }
}

impl Settle for NatsSettle {
    fn settle<'a>(&'a self, receipt: &'a Receipt, settlement: Settlement) -> BoxFuture<'a, ()> {
        Box::pin(self.publish(receipt.0.clone(), settlement))
    }

    fn try_settle(&self, receipt: &Receipt, settlement: Settlement) -> bool {
        self.try_publish(receipt.0.clone(), settlement)
    }

    fn flush(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.confirm())
    }
}

fn encode(settlement: Settlement) -> Bytes {
    match settlement {
        Settlement::Ack => Bytes::from_static(b"+ACK"),
        Settlement::Nak(Duration::ZERO) => Bytes::from_static(b"-NAK"),
        Settlement::Nak(delay) => {
            let nanoseconds = i64::try_from(delay.as_nanos()).unwrap_or(i64::MAX);
            format!(r#"-NAK {{"delay": {nanoseconds}}}"#).into()
        }
        Settlement::Term(reason) => format!("+TERM {TERM_PREFIX}{reason}").into(),
        Settlement::InProgress => Bytes::from_static(b"+WPI"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_the_protocol() {
        assert_eq!(encode(Settlement::Ack), "+ACK");
        assert_eq!(encode(Settlement::Nak(Duration::ZERO)), "-NAK");
        assert_eq!(encode(Settlement::Nak(Duration::from_millis(20))), r#"-NAK {"delay": 20000000}"#);
        assert_eq!(encode(Settlement::Nak(Duration::MAX)), r#"-NAK {"delay": 9223372036854775807}"#);
        assert_eq!(encode(Settlement::Term("failed")), "+TERM tidegate: failed");
        assert_eq!(encode(Settlement::InProgress), "+WPI");
    }
}
