//! What the engine needs of the world: where messages come from, how they are settled, where effects go,
//! who else is at work, what actors may do, how full the streams are, and
//! who is told of alerts, and to whom messages are shown.

pub mod alarm;
pub mod controls;
pub mod flows;
pub mod gauge;
pub mod held;
pub mod members;
pub mod settle;
pub mod sink;
pub mod source;
pub mod store;
pub mod taps;
pub mod tenure;

use std::future::Future;
use std::pin::Pin;

pub use alarm::Alarm;
pub use controls::{ControlWatch, Controlled, Controls, ControlsError};
pub use flows::{FlowWatch, Flows, FlowsError};
pub use gauge::{Gauge, GaugeError, Limit, Load, Reader, Reading};
pub use held::Held;
pub use members::{Members, MembersError, Sighting};
pub use settle::{Receipt, Settle, Settlement};
pub use sink::{Outbound, Sink, SinkError};
pub use source::{Arrival, Arrivals, Pending, Room, Source, SourceError};
pub use store::{Entry, Revision, Store, StoreError};
pub use taps::{TapWatch, Taps};
pub use tenure::Tenure;

/// A boxed future, as the ports' methods return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
