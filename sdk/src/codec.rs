//! The encodings of payloads.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::BoxError;

/// Why a payload, a state or a setting cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The bytes are not a value of the type.
    #[error("cannot decode {format}{}", Place(path))]
    Decode {
        /// The encoding that was expected.
        format: &'static str,
        /// Where in the value, such as `lines[2].sku`; empty for the value as a whole.
        path: String,
        /// What is wrong there.
        source: BoxError,
    },
    /// The value has no such encoding.
    #[error("cannot encode {format}")]
    Encode {
        /// The encoding that was wanted.
        format: &'static str,
        /// What is wrong with the value.
        source: BoxError,
    },
}

/// Encodes as JSON: what [`Emit`](crate::Emit) does unless told otherwise.
pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, CodecError> {
    match serde_json::to_vec(value) {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(CodecError::Encode { format: "JSON", source: error.into() }),
    }
}

/// Encodes as `MessagePack`, with structs as maps so that every language can read them.
pub fn msgpack<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, CodecError> {
    match rmp_serde::to_vec_named(value) {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(CodecError::Encode { format: "MessagePack", source: error.into() }),
    }
}

/// Decodes JSON.
pub fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    // To keep track of the path costs as much again: only what cannot be decoded is read a second time, to find it.
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| decode("JSON", error))?;
    match deserializer.end() {
        Ok(()) => Ok(value),
        Err(error) => Err(CodecError::Decode { format: "JSON", path: String::new(), source: error.into() }),
    }
}

/// Decodes `MessagePack`, with structs as maps or as arrays.
pub fn from_msgpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut rest = bytes;
    let mut deserializer = rmp_serde::Deserializer::new(&mut rest);
    let value =
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| decode("MessagePack", error))?;
    match rest.len() {
        0 => Ok(value),
        length => {
            let source = format!("{length} bytes follow the value").into();
            Err(CodecError::Decode { format: "MessagePack", path: String::new(), source })
        }
    }
}

pub(crate) fn decode<E>(format: &'static str, error: serde_path_to_error::Error<E>) -> CodecError
where
    E: std::error::Error + Send + Sync + 'static,
{
    let path = match error.path().to_string() {
        nowhere if nowhere == "." || nowhere == "?" => String::new(),
        path => path,
    };
    CodecError::Decode { format, path, source: error.into_inner().into() }
}

struct Place<'a>(&'a str);

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            "" => Ok(()),
            path => write!(f, " at `{path}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::error::Error;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Order {
        lines: Vec<Line>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Line {
        count: u32,
    }

    #[test]
    fn both_codecs_read_what_they_write() {
        let order = Order { lines: vec![Line { count: 2 }] };

        let as_json = json(&order).expect("JSON");
        let as_msgpack = msgpack(&order).expect("MessagePack");

        assert_eq!(from_json::<Order>(&as_json).expect("an order"), order);
        assert_eq!(from_msgpack::<Order>(&as_msgpack).expect("an order"), order);
    }

    #[test]
    fn names_the_place_and_the_cause() {
        let error = from_json::<Order>(br#"{"lines":[{"count":1},{"count":"two"}]}"#).unwrap_err();

        assert_eq!(error.to_string(), "cannot decode JSON at `lines[1].count`");
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        assert!(cause.contains("expected u32"), "{cause}");
        assert_eq!(from_json::<Order>(b"[]").unwrap_err().to_string(), "cannot decode JSON");
    }

    #[test]
    fn refuses_what_follows_the_value() {
        assert!(from_json::<u32>(b"1 2").is_err());
        assert!(from_json::<u32>(b"").is_err());
        assert!(from_msgpack::<u32>(&[1, 2]).is_err());
        assert!(from_msgpack::<u32>(&[]).is_err());
    }

    #[test]
    fn tells_what_has_no_encoding() {
        let keyed_by_pairs = BTreeMap::from([((1, 2), 3)]);

        assert_eq!(json(&keyed_by_pairs).unwrap_err().to_string(), "cannot encode JSON");
    }
}
