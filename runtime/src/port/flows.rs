//! The bucket in which the flow of every stream is written down, for whoever publishes.

use super::BoxFuture;
use crate::message::Flow;

/// Writes flows.
pub trait Flows: Send + Sync {
    /// Writes the entry of its stream, whatever there is. A bucket that is missing is created.
    ///
    /// # Errors
    /// When the broker does not answer or refuses; the entry may have been written.
    fn announce<'a>(&'a self, flow: &'a Flow) -> BoxFuture<'a, Result<(), FlowsError>>;

    /// The entry of a stream, if there is one that can be read.
    ///
    /// # Errors
    /// When the broker does not answer or refuses.
    fn find<'a>(&'a self, stream: &'a str) -> BoxFuture<'a, Result<Option<Flow>, FlowsError>>;
}

/// Sees flows as they are written, by whomever.
pub trait FlowWatch: Send {
    /// Waits for an entry. Those that are there come first, and again after an interruption: an entry that was seen
    /// before says nothing. Lasts as long as the broker is away.
    ///
    /// # Cancel safety
    /// A cancelled call loses nothing that the next sign of life does not repeat.
    fn next(&mut self) -> BoxFuture<'_, Flow>;
}

/// Why a flow could not be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlowsError {
    /// The broker does not answer or refuses.
    #[error("the bucket of flows is unavailable: {0}")]
    Unavailable(String),
}
