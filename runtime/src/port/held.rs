//! How many dead letters of an actor are held.

use super::BoxFuture;

/// Counts them.
pub trait Held: Send + Sync {
    /// How many there are; `None` when it cannot be told.
    fn count(&self) -> BoxFuture<'_, Option<u64>>;
}
