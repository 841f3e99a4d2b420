//! Makes the server have what the topology needs, and tells where it has something else.
//!
//! What is missing is created. What exists is compared field by field with what we would create and, where it
//! differs, reported and left alone; only our own advisory stream grows with the topology. Nothing is created while
//! anything differs. Who asks for it ([`Drift`]) gets more: what can be edited without harm, and what is left over.

mod apply;
mod compare;
mod consumer;
mod difference;
mod drift;
mod edit;
mod error;
mod external;
mod inventory;
mod leftover;
mod orphan;
mod stranded;
mod streams;
mod survey;

mod api;

pub(super) use api::{ask, change_stream};
pub use apply::{Provision, Provisioned, Warning, provision};
pub(super) use compare::of_consumers;
pub use consumer::ConsumerPlan;
pub use difference::Difference;
pub use drift::{Amended, Drift};
pub use edit::Edit;
pub use error::ProvisionError;
pub use orphan::{Orphan, OrphanKind};
pub use stranded::Stranded;
pub(super) use streams::{flows, planned as planned_streams};
