//! How many messages are kept under some subjects.

use super::{BoxFuture, GaugeError};

/// Counts what is kept, such as the dead letters of one actor.
pub trait Tally: Send {
    /// Counts, within a bound.
    ///
    /// # Errors
    /// When the broker does not answer in time, or cannot tell.
    fn count(&mut self) -> BoxFuture<'_, Result<u64, GaugeError>>;
}
