//! What the engine needs of the world: where messages come from, how they are settled, where effects go.

pub mod settle;
pub mod sink;
pub mod source;
pub mod store;

use std::future::Future;
use std::pin::Pin;

pub use settle::{Receipt, Settle, Settlement};
pub use sink::{Outbound, Sink, SinkError};
pub use source::{Arrival, Arrivals, Pending, Room, Source, SourceError};
pub use store::{Entry, Revision, Store, StoreError};

/// A boxed future, as the ports' methods return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
