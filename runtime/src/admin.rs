//! An HTTP endpoint for operators and their machines: whether we live and are ready, metrics, and what actors do.
//!
//! [`Admin`] is open before anything else is started, and says that it is not ready until it [attends](Admin::attend) a
//! topology at work. It reaches no actor: what changes something is
//! written where all instances see it.

mod server;

mod access;
mod control;

mod health;
mod readiness;

mod metrics;

mod inspect;
mod view;

mod description;

pub use description::describe;
pub use server::{Admin, AdminError, Settings, Subject};
