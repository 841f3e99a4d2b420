//! Why there is no connection that we can work with.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::connect::OLDEST_SERVER;
use crate::nats::{Origin, Target};

/// Why there is no connection that we can work with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The topology wants a private server, which nobody started.
    #[error("the url `embedded` needs a private server, which was not started")]
    NotStarted,
    /// A file with credentials or certificates cannot be used.
    #[error("the {kind} file `{}` cannot be used", path.display())]
    File {
        /// What it is for.
        kind: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: io::Error,
    },
    /// No server answers.
    #[error("no nats server answers at `{target}` (from {origin}) within {} s", waited.as_secs())]
    Unreachable {
        /// The servers we tried.
        target: Target,
        /// Who named them.
        origin: Origin,
        /// How long we tried.
        waited: Duration,
        /// What the last attempt ended with.
        #[source]
        source: async_nats::ConnectError,
    },
    /// The server does not let us in.
    #[error("the nats server at `{target}` does not let us in {auth}")]
    Denied {
        /// The servers we tried.
        target: Target,
        /// How we authenticated.
        auth: &'static str,
        /// What the client says.
        #[source]
        source: async_nats::ConnectError,
    },
    /// TLS cannot be set up.
    #[error("no tls connection to the nats server at `{target}`")]
    Tls {
        /// The servers we tried.
        target: Target,
        /// What the client says.
        #[source]
        source: async_nats::ConnectError,
    },
    /// The server lacks what we need.
    #[error(
        "the nats server at `{target}` is version {version}; tidegate needs {}.{} or newer",
        OLDEST_SERVER.0, OLDEST_SERVER.1
    )]
    OldServer {
        /// The server.
        target: Target,
        /// Its version.
        version: String,
    },
    /// The server, or our account on it, has no JetStream.
    #[error("jetstream is not enabled {scope} at `{target}`")]
    NoJetStream {
        /// The server.
        target: Target,
        /// Where it is missing.
        scope: &'static str,
    },
}

impl ConnectError {
    /// What to do about it.
    pub fn cure(&self) -> &'static str {
        match self {
            Self::NotStarted => "give the url of a running server",
            Self::File { .. } => "give the path of a file that this user can read",
            Self::Unreachable { .. } => {
                "start the server, name another one with NATS_URL, or set `url = \"embedded\"` under [nats]"
            }
            Self::Denied { .. } => {
                "give credentials with NATS_CREDS, NATS_USER and NATS_PASSWORD, NATS_TOKEN or NATS_NKEY"
            }
            Self::Tls { .. } => {
                "name the authority with NATS_CA and a client certificate with NATS_CERT and NATS_KEY"
            }
            Self::OldServer { .. } => "update the server",
            Self::NoJetStream { .. } => "start the server with `-js` and enable jetstream for the account",
        }
    }
}
