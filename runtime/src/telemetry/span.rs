//! The spans of a message: `receive`, `process` once per attempt, `publish` per emit, and `settle`.
//!
//! Names, kinds and attributes follow OpenTelemetry's messaging conventions. A message that is not sampled has no spans:
//! all of this then only passes its context on.

mod attempt;
mod message;
mod publish;
mod request;
mod scope;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use attempt::{AttemptSpan, ProcessFields};
pub use message::MessageTrace;
pub use publish::{PublishSpan, publish};
pub use request::{RequestFields, RequestSpan};
pub use scope::SettleSpan;

pub(super) use message::install;
