//! Runs a topology of handler actors on NATS JetStream.
//!
//! `tidegate run` is this library with the handlers that the topology registers. Who prefers their own binary writes
//!
//! ```no_run
//! use std::process::ExitCode;
//! use tidegate::prelude::*;
//!
//! #[derive(Deserialize)]
//! struct Arrival { name: String }
//!
//! fn handler(_: Settings) -> Result<impl Handler> {
//!     Ok(handler_fn(async |arrival: Arrival| {
//!         println!("hello, {}", arrival.name);
//!         Ok(())
//!     }))
//! }
//!
//! fn main() -> ExitCode {
//!     tidegate_runtime::main(|registry| {
//!         registry.add("greeter", handler);
//!     })
//! }
//! ```

pub mod admin;
pub mod cli;
pub mod engine;
pub mod http;
pub mod ingress;
pub mod memory;
pub mod message;
pub mod nats;
pub mod port;
pub mod registry;
pub mod telemetry;
pub mod topology;

mod planted;

pub use cli::main;
pub use registry::Registry;
