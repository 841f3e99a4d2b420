//! Makes an arrival of what the client received.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
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

/// Payloads up to this size are copied together with the subjects: what is allocated once is freed once.
const TOGETHER: usize = 1024;

/// The arrival of a message that a consumer of `stream` delivered, with its subject as it was published; its payload is
/// taken out of it. `None` for what no consumer sent.
pub(super) fn arrival(
    stream: &Arc<str>,
    prefix: ShardPrefix,
    message: &mut async_nats::Message,
) -> Option<Arrival> {
    let reply = message.reply.as_deref()?;
    let AckSubject { delivered, sequence, published, .. } = AckSubject::parse(reply)?;
    let subject = prefix.strip(&message.subject);
    let payload = std::mem::take(&mut message.payload);
    let with_payload = if payload.len() <= TOGETHER { &*payload } else { &[] };
    let packed = pack([subject.as_bytes(), reply.as_bytes(), with_payload]);
    let (subject_end, receipt_end) = (subject.len(), subject.len() + reply.len());
    Some(Arrival {
        message: Message {
            subject: ByteString::try_from(packed.slice(..subject_end)).expect("it was a `str`"),
            tokens: TokenNames::default(),
            headers: message.headers.as_ref().map_or_else(Headers::new, headers::received),
            payload: if payload.len() <= TOGETHER { packed.slice(receipt_end..) } else { detached(payload) },
            stream: Arc::clone(stream),
            sequence,
            published,
            key: ByteString::new(),
        },
        delivered,
        receipt: Receipt(packed.slice(subject_end..receipt_end)),
    })
}

/// The parts in one allocation, one behind the other.
fn pack(parts: [&[u8]; 3]) -> Bytes {
    parts.concat().into()
}

fn detached(payload: Bytes) -> Bytes {
    if payload.len() <= COPIED { Bytes::copy_from_slice(&payload) } else { payload }
}
