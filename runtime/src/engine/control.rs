//! What actors are told to do, and what they tell themselves when too many messages fail.
//!
//! A [`Helm`] knows the control of one actor in this instance. Attempts ask it whether they may begin, and wait in a
//! [`queue`] if not; what is to become a dead letter asks it, too, and it counts ([`tally`]). Past a limit it turns the
//! actor to probing, and a [`Breaker`] writes that down for all, probes, and takes it back.

mod breaker;
mod count;
mod helm;
mod plan;
mod queue;
mod tally;

pub(crate) use self::breaker::Breaker;
pub(crate) use self::count::count;
pub(crate) use self::helm::{Helm, Turn};
pub use self::plan::ControlPlan;
pub(crate) use self::plan::keep;
pub(crate) use self::queue::Probed;
