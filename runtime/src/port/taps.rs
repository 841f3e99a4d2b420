//! Who wants to see messages of actors, and where they are shown.

use super::BoxFuture;
use crate::message::{TapRequest, Tapped};

/// Shows messages to whoever asked.
pub trait Taps: Send + Sync {
    /// Hears who asks from here on.
    fn watch(&self) -> Box<dyn TapWatch>;

    /// Shows it, within a bound; what cannot be shown is lost.
    fn show<'a>(&'a self, tapped: &'a Tapped) -> BoxFuture<'a, ()>;
}

/// Hears who asks.
pub trait TapWatch: Send {
    /// The next request, with the actor that it is about.
    ///
    /// # Cancel safety
    /// Cancel safe.
    fn next(&mut self) -> BoxFuture<'_, (String, TapRequest)>;
}
