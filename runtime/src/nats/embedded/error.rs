//! Why there is no private server.

use std::io;
use std::path::PathBuf;

/// Why there is no private server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// There is no program to run.
    #[error("no nats-server 2.11 or newer in $NATS_SERVER, on the PATH or in .tools/bin/")]
    NotFound,
    /// The program that `$NATS_SERVER` names cannot be used.
    #[error("$NATS_SERVER names `{}`, which is no nats-server 2.11 or newer", path.display())]
    Unusable {
        /// The program.
        path: PathBuf,
    },
    /// Another server uses the store: of another process of ours, or of one that was killed.
    #[error("another nats-server, process {pid}, uses the store `{}`", store.display())]
    Locked {
        /// The store.
        store: PathBuf,
        /// The other server's process id, as it was written down.
        pid: String,
    },
    /// A file or the process cannot be made.
    #[error("the private nats-server cannot be started with `{}`", path.display())]
    Io {
        /// The file or program.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// It ended or did not listen in time.
    #[error("the private nats-server did not start: {log}")]
    Start {
        /// The last lines of its log.
        log: String,
    },
}
