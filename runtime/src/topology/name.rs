//! Names of the things a topology declares: one type each, so that they cannot be confused.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// The longest name, in bytes: names are joined into names on the server, which become directory names there.
pub const MAX_NAME_LEN: usize = 64;

/// A checked name of one kind of thing; cheap to clone.
///
/// It starts with an ASCII letter and has only ASCII letters, digits, `-` and `_`, so that it can be (part of) a stream,
/// consumer or bucket name, a subject token and a metric label without escaping.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name<Kind> {
    text: Arc<str>,
    kind: PhantomData<Kind>,
}

/// The name of a topology: prefix of everything it creates on the server.
pub type TopologyName = Name<kind::Topology>;
/// The name of a stream, as the server knows it.
pub type StreamName = Name<kind::Stream>;
/// The name of an actor: a key of `[actors]`.
pub type ActorName = Name<kind::Actor>;
/// The name of a handler: a key of `[handlers]`.
pub type HandlerName = Name<kind::Handler>;
/// The name of a port: a key of an actor's `emits`.
pub type PortName = Name<kind::Port>;
/// The name of a route: a key of `[ingress.routes]`.
pub type RouteName = Name<kind::Route>;

/// What a [`Name`] can name.
pub mod kind {
    /// Marks the name of a topology.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Topology {}
    /// Marks the name of a stream.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Stream {}
    /// Marks the name of an actor.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Actor {}
    /// Marks the name of a handler.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Handler {}
    /// Marks the name of a port.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Port {}
    /// Marks the name of a route.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Route {}
}

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// It has no characters at all.
    #[error("a name cannot be empty")]
    Empty,
    /// It starts with something else than an ASCII letter.
    #[error("a name starts with a letter, not with `{0}`")]
    Start(char),
    /// It has a character besides ASCII letters, digits, `-` and `_`.
    #[error("a name cannot have the character `{}`", .0.escape_debug())]
    Character(char),
    /// It is longer than [`MAX_NAME_LEN`].
    #[error("a name has at most {MAX_NAME_LEN} bytes; this one has {0}")]
    TooLong(usize),
}

impl<Kind> Name<Kind> {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name of something that belongs to this; `suffix` has only characters that names have.
    pub fn suffixed<Other>(&self, suffix: &'static str) -> Name<Other> {
        Name { text: format!("{}{suffix}", self.text).into(), kind: PhantomData }
    }
}

impl<Kind> FromStr for Name<Kind> {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let Some(first) = text.chars().next() else {
            return Err(NameError::Empty);
        };
        if let Some(bad) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))) {
            return Err(NameError::Character(bad));
        }
        if !first.is_ascii_alphabetic() {
            return Err(NameError::Start(first));
        }
        if text.len() > MAX_NAME_LEN {
            return Err(NameError::TooLong(text.len()));
        }
        Ok(Self { text: text.into(), kind: PhantomData })
    }
}

impl<Kind> AsRef<str> for Name<Kind> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl<Kind> Borrow<str> for Name<Kind> {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl<Kind> fmt::Display for Name<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<Kind> fmt::Debug for Name<Kind> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl<Kind> Serialize for Name<Kind> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_needs_no_escaping_anywhere() {
        for text in ["orders", "ORDERS", "order-lines_2", "a"] {
            assert!(text.parse::<StreamName>().is_ok(), "{text} was refused");
        }
    }

    #[test]
    fn refuses_what_would_change_a_subject_or_a_path() {
        for text in ["", "a.b", "a b", "a*", ">", "a/b", "2nd", "-a", "é", &"a".repeat(65)] {
            assert!(text.parse::<StreamName>().is_err(), "{text} was accepted");
        }
    }
}
