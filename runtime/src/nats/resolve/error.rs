//! Why it is not clear how to connect.

use std::io;

use super::Origin;
use crate::nats::context::ContextError;

/// Why it is not clear how to connect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The URL, which may have a secret in it and so is not shown, cannot be used.
    #[error("the nats url from {origin} is not valid")]
    Url {
        /// Who gave it.
        origin: Origin,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },
    /// There is a user but no password.
    #[error("{origin} names the nats user `{user}`, but nobody gives a password")]
    Password {
        /// Who named the user.
        origin: Origin,
        /// The user.
        user: String,
    },
    /// Of certificate and key, one is missing.
    #[error("a client certificate needs both the certificate and its key, only one is given")]
    HalfCertificate,
    /// The `nats` CLI's context cannot be used.
    #[error(transparent)]
    Context(#[from] ContextError),
}
