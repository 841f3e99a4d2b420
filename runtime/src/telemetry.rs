//! Traces, metrics and logs: one trace per event across all actors, exported over OTLP, and logs that carry its id.
//!
//! The engine's own spans ([`span`]) are built with the OpenTelemetry tracer, and only for messages that are sampled.
//! Spans that a handler makes with `tracing` become their children.

pub mod init;
pub mod metric;
pub mod propagation;
pub mod span;

mod attribute;
mod bridge;
mod export;
mod health;
mod log;
mod resource;
mod settings;

pub use init::{LogFormat, Metering, Options, Telemetry, TelemetryError, init};
pub use propagation::{RemoteParent, extract, inject};
pub use span::{
    AttemptSpan, MessageTrace, ProcessFields, PublishSpan, RequestFields, RequestSpan, SettleSpan, publish,
};
