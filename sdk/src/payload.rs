//! How a message's payload becomes a handler's input.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::Message;
use crate::codec::{self, CodecError};

/// What handlers may take: JSON for every type with `Deserialize`, or [`Raw`], or [`MsgPack`].
///
/// A payload that is not such a value is dead-lettered at once, with the place where it went wrong.
#[diagnostic::on_unimplemented(
    message = "a handler cannot take `{Self}`: it cannot be read from a payload",
    label = "not readable from a payload",
    note = "for JSON, add `#[derive(Deserialize)]` to `{Self}`; it must own its fields (`String`, not `&str`) and be `Send`",
    note = "for other payloads, take `Raw<Bytes>`, `Raw<String>` or `MsgPack<T>`"
)]
pub trait FromPayload: Sized + Send + 'static {
    /// Reads the input from a message.
    fn from_payload(message: &Message) -> Result<Self, CodecError>;
}

/// The payload as it is: `Raw<Bytes>`, or `Raw<String>` for UTF-8 text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw<T>(
    /// The payload.
    pub T,
);

/// A payload in `MessagePack` instead of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MsgPack<T>(
    /// The payload's value.
    pub T,
);

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + Send + 'static> FromPayload for T {
    fn from_payload(message: &Message) -> Result<Self, CodecError> {
        codec::from_json(&message.payload)
    }
}

impl FromPayload for Raw<Bytes> {
    fn from_payload(message: &Message) -> Result<Self, CodecError> {
        Ok(Self(message.payload.clone()))
    }
}

impl FromPayload for Raw<String> {
    fn from_payload(message: &Message) -> Result<Self, CodecError> {
        match std::str::from_utf8(&message.payload) {
            Ok(text) => Ok(Self(text.to_owned())),
            Err(error) => {
                Err(CodecError::Decode { format: "UTF-8 text", path: String::new(), source: error.into() })
            }
        }
    }
}

impl<T: DeserializeOwned + Send + 'static> FromPayload for MsgPack<T> {
    fn from_payload(message: &Message) -> Result<Self, CodecError> {
        codec::from_msgpack(&message.payload).map(Self)
    }
}
