//! What a stream says when it has stored an event.

/// An event is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The stream that stores it.
    pub stream: String,
    /// Its sequence there.
    pub sequence: u64,
    /// Whether the stream had it already, under the same id; then `sequence` is that of the first.
    pub is_duplicate: bool,
}
