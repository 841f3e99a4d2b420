//! What an instance is called: a key of the bucket of members and a token of a subject.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The longest id, in bytes.
const MAX_LEN: usize = 128;

/// How much of a host's name goes into an id that is made up.
const MAX_HOST: usize = 96;

/// The checked id of an instance; cheap to clone.
///
/// It has only ASCII letters, digits, `-` and `_`, so that it is a key of a bucket and a subject token as it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceId(Arc<str>);

/// Why a text is not an [`InstanceId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceIdError {
    /// It has no characters at all.
    #[error("an instance needs a name")]
    Empty,
    /// It has a character besides ASCII letters, digits, `-` and `_`.
    #[error("the name of an instance cannot have the character `{}`", .0.escape_debug())]
    Character(char),
    /// It is too long.
    #[error("the name of an instance has at most {MAX_LEN} bytes; this one has {0}")]
    TooLong(usize),
}

impl InstanceId {
    /// `{host}-{pid}-{salt}`: an id for a process that was given none. What an id cannot have becomes `-`.
    pub fn made_up(host: &str, pid: u32, salt: u16) -> Self {
        let host: String =
            host.chars().take(MAX_HOST).map(|each| if is_allowed(each) { each } else { '-' }).collect();
        Self(format!("{host}-{pid}-{salt:04x}").into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for InstanceId {
    type Err = InstanceIdError;

    fn from_str(text: &str) -> Result<Self, InstanceIdError> {
        if text.is_empty() {
            return Err(InstanceIdError::Empty);
        }
        if let Some(bad) = text.chars().find(|&each| !is_allowed(each)) {
            return Err(InstanceIdError::Character(bad));
        }
        if text.len() > MAX_LEN {
            return Err(InstanceIdError::TooLong(text.len()));
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for InstanceId {
    type Error = InstanceIdError;

    fn try_from(text: String) -> Result<Self, InstanceIdError> {
        text.parse()
    }
}

impl From<InstanceId> for String {
    fn from(id: InstanceId) -> Self {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_would_change_a_subject_or_a_key() {
        for text in ["", "a.b", "a b", "*", ">", "a/b", "é", "a=b", &"a".repeat(129)] {
            assert!(text.parse::<InstanceId>().is_err(), "{text} was accepted");
        }
        assert!("web-0_eu-1".parse::<InstanceId>().is_ok());
    }

    #[test]
    fn every_host_makes_a_valid_id() {
        for host in ["host", "web.example.com", "größe", "", &"x".repeat(500)] {
            let id = InstanceId::made_up(host, u32::MAX, 7);

            assert_eq!(id.as_str().parse(), Ok(id.clone()), "{host}");
            assert!(id.as_str().ends_with("-4294967295-0007"));
        }
    }
}
