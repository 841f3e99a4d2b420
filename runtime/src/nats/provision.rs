//! Makes the server have what the topology needs, and tells where it has something else.
//!
//! What is missing is created. What exists is compared field by field with what we would create and, where it
//! differs, reported and left alone; only our own advisory stream grows with the topology. Nothing is created while
//! anything differs.

mod apply;
mod compare;
mod consumer;
mod difference;
mod error;
mod external;
mod leftover;
mod streams;

pub(super) use apply::change_stream;
pub use apply::{Provision, Provisioned, Warning, provision};
pub(super) use compare::of_consumers;
pub use consumer::ConsumerPlan;
pub use difference::Difference;
pub use error::ProvisionError;
pub(super) use streams::{controls, flows};
