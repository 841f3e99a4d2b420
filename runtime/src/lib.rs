//! Runs a topology of handler actors on NATS JetStream.

pub mod engine;
pub mod memory;
pub mod message;
pub mod nats;
pub mod port;
pub mod registry;
pub mod telemetry;
pub mod topology;

pub use registry::Registry;
