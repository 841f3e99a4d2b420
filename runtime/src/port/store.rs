//! Where the state of entities is kept.

use bytes::Bytes;

use super::BoxFuture;

/// A bucket of entries, each guarded by its revision.
pub trait Store: Send + Sync {
    /// The entry of `key`, if there is one.
    fn load<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>>;

    /// Writes the entry of `key` if its revision still is `expected`; `None` means that there is no entry yet.
    fn save<'a>(
        &'a self,
        key: &'a str,
        value: Bytes,
        expected: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, StoreError>>;
}

/// One version of an entry: the bucket's stream sequence (ADR-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(pub u64);

/// What is stored under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Bytes,
    /// Its revision.
    pub revision: Revision,
}

/// Why an entry could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else wrote it since we read it.
    #[error("the entry was changed by somebody else")]
    Conflict,
    /// The broker does not answer or refuses; the write may have happened.
    #[error("the state bucket is unavailable: {0}")]
    Unavailable(String),
    /// The value is larger than the bucket takes.
    #[error("a state of {bytes} bytes is more than the bucket takes")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}
