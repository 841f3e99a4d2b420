//! Publishes to a Tidegate topology and feels its backpressure.

pub mod flow;
pub mod timestamp;

pub use flow::{Flow, FlowState, Mark, Pressure};
