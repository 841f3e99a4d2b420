//! Where it is told that alerts were raised and cleared.

use super::BoxFuture;
use crate::message::AlertEvent;

/// Tells whoever listens.
pub trait Alarm: Send + Sync {
    /// Tells it once, within a bound; nobody need listen, and what cannot be told is only logged.
    fn tell<'a>(&'a self, event: &'a AlertEvent) -> BoxFuture<'a, ()>;
}
