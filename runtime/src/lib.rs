//! Runs a topology of handler actors on NATS JetStream.

pub mod message;
pub mod port;
pub mod telemetry;
pub mod topology;
