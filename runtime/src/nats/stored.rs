//! Fetches one message from its stream by its sequence.

use std::sync::Arc;
use std::time::SystemTime;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::RequestErrorKind;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::RawMessage;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use tidegate::subject::TokenNames;
use tidegate::{Headers, Message};

use super::bounded::bounded;
use super::shard::{unanswered, unavailable};
use super::{Connection, headers};
use crate::port::SourceError;

#[derive(Deserialize)]
struct Stored {
    message: RawMessage,
}

/// The message with that sequence, however malformed its headers; `None` when the stream does not have it, or no
/// longer.
pub(super) async fn fetch(
    connection: &Connection,
    stream: &Arc<str>,
    sequence: u64,
) -> Result<Option<Message>, SourceError> {
    let api = format!("STREAM.MSG.GET.{stream}");
    let unanswered = || unanswered(connection, &format!("$JS.API.{api}"));
    let query = json!({ "seq": sequence });
    match bounded(connection.jetstream().request(api.clone(), &query)).await.ok_or_else(unanswered)? {
        Ok(Response::Ok(Stored { message })) => decode(stream, message).map(Some),
        Ok(Response::Err { error }) => match error.error_code() {
            ErrorCode::NO_MESSAGE_FOUND => Ok(None),
            ErrorCode::STREAM_NOT_FOUND => Err(SourceError::Denied(error.to_string())),
            _ => Err(unavailable(&error)),
        },
        Err(error) if error.kind() == RequestErrorKind::TimedOut => Err(unanswered()),
        Err(error) => Err(unavailable(&error)),
    }
}

fn decode(stream: &Arc<str>, raw: RawMessage) -> Result<Message, SourceError> {
    let decoded = |text: &str| STANDARD.decode(text).map_err(|error| unavailable(&error));
    let block = raw.headers.as_deref().map(decoded).transpose()?;
    Ok(Message {
        subject: raw.subject.into(),
        tokens: TokenNames::default(),
        headers: block.map_or_else(Headers::new, |block| headers::parse(&block)),
        payload: decoded(&raw.payload)?.into(),
        stream: Arc::clone(stream),
        sequence: raw.sequence,
        published: SystemTime::from(raw.time),
        key: bytestring::ByteString::new(),
    })
}
