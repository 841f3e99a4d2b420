//! Traces and logs: one trace per event across all actors, exported over OTLP, and logs that carry its id.
//!
//! The engine's own spans ([`span`]) are built with the OpenTelemetry tracer, and only for messages that are sampled.
//! Spans that a handler makes with `tracing` become their children.

pub mod init;
pub mod propagation;
pub mod span;

mod bridge;
mod export;
mod log;
mod settings;

pub use init::{LogFormat, Options, Telemetry, TelemetryError, init};
pub use propagation::{RemoteParent, extract, inject};
pub use span::{AttemptSpan, MessageTrace, ProcessFields, PublishSpan, SettleSpan, publish};
