//! What can be wrong with a subject.

use super::MAX_SUBJECT_LEN;

/// Why a text is not a [`Pattern`](super::Pattern), or a pattern cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// The subject has no characters at all.
    #[error("a subject cannot be empty")]
    Empty,
    /// Two dots in a row, or one at an end.
    #[error("subject `{subject}` has an empty token")]
    EmptyToken {
        /// The subject in question.
        subject: String,
    },
    /// `>` stands somewhere else than at the end.
    #[error("`>` can only be the last token of `{subject}`")]
    RestNotLast {
        /// The subject in question.
        subject: String,
    },
    /// A token has a character that subjects or names cannot have.
    #[error("token `{token}` has a character that a subject cannot have")]
    BadCharacter {
        /// The token in question, escaped.
        token: String,
    },
    /// One name stands for two tokens.
    #[error("token name `{name}` is used twice")]
    DuplicateName {
        /// The name in question.
        name: String,
    },
    /// The first token starts with `$` or is `_INBOX`: the server's own API.
    #[error("subject `{subject}` belongs to the NATS server")]
    Reserved {
        /// The subject in question.
        subject: String,
    },
    /// A named token has no value.
    #[error("no value for token `{name}` of `{pattern}`")]
    MissingToken {
        /// The name without a value.
        name: String,
        /// The pattern to render.
        pattern: String,
    },
    /// `*` and `>` have no name and so no value.
    #[error("`{pattern}` has a wildcard, so it cannot be published to")]
    Wildcard {
        /// The pattern to render.
        pattern: String,
    },
    /// Longer than [`MAX_SUBJECT_LEN`].
    #[error("subject is {length} bytes long; the limit is {MAX_SUBJECT_LEN}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
}
