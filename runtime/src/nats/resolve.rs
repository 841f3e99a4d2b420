//! Which server and which credentials: flag before `NATS_*` before topology before the `nats` CLI's context.

mod decide;
mod error;
mod resolved;
mod target;

pub use decide::resolve;
pub use error::ResolveError;
pub use resolved::{Auth, Origin, Resolved, Target};
