//! A private nats-server: a child process with a store of its own, ended with us.

mod binary;
mod error;
mod server;

pub use error::EmbeddedError;
pub use server::Embedded;
