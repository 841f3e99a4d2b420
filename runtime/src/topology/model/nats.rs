//! How the topology says the server is reached.

use std::fmt;
use std::path::{Path, PathBuf};

/// The connection, as far as the topology file decides it.
#[derive(Debug, Clone, Default)]
pub struct Nats {
    /// Which server.
    pub server: Server,
    /// A credentials file: JWT and nkey seed.
    pub credentials: Option<PathBuf>,
    /// User name, together with [`password`](Self::password).
    pub user: Option<String>,
    /// Password of the user.
    pub password: Option<Secret>,
    /// An authentication token.
    pub token: Option<Secret>,
    /// A file with an nkey seed.
    pub nkey_seed: Option<PathBuf>,
    /// Transport security.
    pub tls: Tls,
}

/// Which server to connect to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Server {
    /// The file says nothing: flags, environment and the `nats` CLI's context decide.
    #[default]
    Unspecified,
    /// One or more comma-separated URLs of a running server or cluster.
    Url(String),
    /// A private child process with its own store, for demos and development.
    Embedded,
}

/// Transport security.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificates of the authorities to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// The client's certificate.
    pub certificate: Option<PathBuf>,
    /// The key of the client's certificate.
    pub key: Option<PathBuf>,
    /// Refuses a connection without TLS.
    pub required: bool,
}

/// A text that never shows itself in logs or reports.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Nats {
    /// Makes relative paths relative to `directory` instead of the topology file.
    pub(in crate::topology) fn rebase(&mut self, directory: &Path) {
        let paths = [
            &mut self.credentials,
            &mut self.nkey_seed,
            &mut self.tls.ca,
            &mut self.tls.certificate,
            &mut self.tls.key,
        ];
        for path in paths.into_iter().flatten() {
            *path = directory.join(&*path);
        }
    }
}

impl Secret {
    /// Hides `text`.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        let nats = Nats { password: Some(Secret::new("hunter2")), ..Nats::default() };

        assert!(!format!("{nats:?}").contains("hunter2"));
    }
}
