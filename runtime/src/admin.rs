//! An HTTP endpoint for operators and their machines: read only, and nothing of it reaches an actor.

mod metrics;
mod server;

pub use server::{Admin, AdminError};
