//! Which entity a message is about.

use bytestring::ByteString;
use tidegate::Message;
use tidegate::subject::TokenNames;

use crate::topology::{Actor, KeySource};

/// Finds the key of an actor's messages and the names of their tokens.
#[derive(Debug)]
pub(crate) struct Router {
    key: KeySource,
    subjects: Vec<(tidegate::subject::Pattern, TokenNames)>,
}

impl Router {
    pub(crate) fn new(actor: &Actor) -> Self {
        let subjects = actor.subjects.iter().map(|pattern| (pattern.clone(), pattern.names())).collect();
        Self { key: actor.key.clone(), subjects }
    }

    /// Fills in what the broker does not know: the tokens' names and the key. Without a key it stays empty.
    pub(crate) fn address(&self, message: &mut Message) {
        message.tokens = self.names(&message.subject);
        let key = match &self.key {
            KeySource::Token(name) => message.token(name).map(|token| message.subject.slice_ref(token)),
            KeySource::Header(name) => message.headers.get(name).map(ByteString::from),
            KeySource::Json(pointer) => json_key(&message.payload, pointer).map(ByteString::from),
        };
        message.key = key.unwrap_or_default();
    }

    /// What traces call the destination: the pattern, not the subject, so that there are few of them.
    pub(crate) fn destination(&self, subject: &str) -> &str {
        self.matching(subject).map_or("unknown", |(pattern, _)| pattern.as_str())
    }

    fn names(&self, subject: &str) -> TokenNames {
        self.matching(subject).map(|(_, names)| names.clone()).unwrap_or_default()
    }

    fn matching(&self, subject: &str) -> Option<&(tidegate::subject::Pattern, TokenNames)> {
        match self.subjects.as_slice() {
            [only] => Some(only),
            several => several.iter().find(|(pattern, _)| pattern.matches(subject)),
        }
    }
}

/// A string or number at `pointer` (RFC 6901).
fn json_key(payload: &[u8], pointer: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(payload).ok()?;
    match json.pointer(pointer)? {
        serde_json::Value::String(key) => Some(key.clone()),
        serde_json::Value::Number(key) => Some(key.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_key_takes_strings_and_numbers() {
        let payload = br#"{"customer":{"id":42,"name":"ada","tags":[]}}"#;

        assert_eq!(json_key(payload, "/customer/id").as_deref(), Some("42"));
        assert_eq!(json_key(payload, "/customer/name").as_deref(), Some("ada"));
        assert_eq!(json_key(payload, "/customer/tags"), None);
        assert_eq!(json_key(payload, "/nobody"), None);
        assert_eq!(json_key(b"\xff{", "/customer"), None);
    }
}
