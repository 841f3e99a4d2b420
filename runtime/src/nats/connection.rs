//! The connection to NATS: made within a bounded time, checked, and watched.

mod connect;
mod error;
mod established;
mod login;

pub use connect::{CONNECT_TIMEOUT, connect};
pub use error::ConnectError;
pub use established::{Connection, REQUEST_TIMEOUT};
