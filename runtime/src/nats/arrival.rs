//! Makes an arrival of what the client received.

use std::sync::Arc;

use bytes::Bytes;
use tidegate::subject::TokenNames;
use tidegate::{Headers, Message};

use super::ack_subject::AckSubject;
use super::headers;
use crate::message::ShardPrefix;
use crate::port::{Arrival, Receipt};

/// Payloads up to this size are copied out of the connection's read buffer. A slice would keep the whole buffer, 64 KiB
/// or more, alive as long as its message: many small messages waiting for a retry would hold far more memory than they
/// weigh.
const COPIED: usize = 16 * 1024;

/// The arrival of a message that a consumer of `stream` delivered, with its subject as it was published; its payload and
/// its reply subject are taken out of it. `None` for what no consumer sent.
pub(super) fn arrival(
    stream: &Arc<str>,
    prefix: ShardPrefix,
    message: &mut async_nats::Message,
) -> Option<Arrival> {
    let AckSubject { delivered, sequence, published, .. } = AckSubject::parse(message.reply.as_deref()?)?;
    let reply = message.reply.take()?;
    Some(Arrival {
        message: Message {
            subject: prefix.strip(&message.subject).into(),
            tokens: TokenNames::default(),
            headers: message.headers.as_ref().map_or_else(Headers::new, headers::received),
            payload: detached(std::mem::take(&mut message.payload)),
            stream: Arc::clone(stream),
            sequence,
            published,
            key: Box::default(),
        },
        delivered,
        receipt: Receipt(reply.into_string().into()),
    })
}

fn detached(payload: Bytes) -> Bytes {
    if payload.len() <= COPIED { Bytes::copy_from_slice(&payload) } else { payload }
}
