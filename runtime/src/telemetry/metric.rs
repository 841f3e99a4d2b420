//! Metrics: one set of instruments, exported over OTLP and shown as Prometheus text.
//!
//! Counts and levels are not recorded but read, from counters that the engine keeps anyway, whenever somebody asks
//! ([`observe`]). Times are recorded, once per attempt, message and emit ([`ActorTimers`]). Nothing is recorded while
//! nobody can ask.

mod buckets;
mod exporter;
mod instrument;
mod label;
mod observation;
mod process;
mod prometheus;
mod provider;
mod timers;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use instrument::{Instrument, Kind};
pub use label::Labels;
pub use observation::Observations;
pub use prometheus::{Exposition, ExpositionError};
pub use provider::{observe, timers};
pub use timers::{ActorTimers, Started};
pub use vocabulary::*;

pub(super) use provider::{Metrics, start};
