//! What one place, such as the command line, says about the connection.

use std::path::PathBuf;

use crate::topology::{Nats, Secret, Server};

/// What one place says about the connection; what it leaves open, the next one may say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectOptions {
    /// Comma-separated URLs of one cluster, or `embedded`.
    pub url: Option<String>,
    /// A credentials file: JWT and nkey seed.
    pub credentials: Option<PathBuf>,
    /// User name.
    pub user: Option<String>,
    /// Password of the user.
    pub password: Option<Secret>,
    /// An authentication token.
    pub token: Option<Secret>,
    /// A file with an nkey seed.
    pub nkey: Option<PathBuf>,
    /// Certificates of the authorities to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// The client's certificate.
    pub certificate: Option<PathBuf>,
    /// The key of the client's certificate.
    pub key: Option<PathBuf>,
    /// The `nats` CLI's context to take what is missing from.
    pub context: Option<String>,
}

impl ConnectOptions {
    /// The URL that stands for a private server of our own.
    pub const EMBEDDED: &str = "embedded";

    /// What the `NATS_…` variables say; an empty one says nothing.
    pub fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| env(name).filter(|value| !value.is_empty());
        let path = |name: &str| text(name).map(PathBuf::from);
        let secret = |name: &str| text(name).map(Secret::new);
        Self {
            url: text("NATS_URL"),
            credentials: path("NATS_CREDS"),
            user: text("NATS_USER"),
            password: secret("NATS_PASSWORD"),
            token: secret("NATS_TOKEN"),
            nkey: path("NATS_NKEY"),
            ca: path("NATS_CA"),
            certificate: path("NATS_CERT"),
            key: path("NATS_KEY"),
            context: text("NATS_CONTEXT"),
        }
    }
}

impl From<&Nats> for ConnectOptions {
    fn from(nats: &Nats) -> Self {
        Self {
            url: match &nats.server {
                Server::Unspecified => None,
                Server::Url(url) => Some(url.clone()),
                Server::Embedded => Some(Self::EMBEDDED.to_owned()),
            },
            credentials: nats.credentials.clone(),
            user: nats.user.clone(),
            password: nats.password.clone(),
            token: nats.token.clone(),
            nkey: nats.nkey_seed.clone(),
            ca: nats.tls.ca.clone(),
            certificate: nats.tls.certificate.clone(),
            key: nats.tls.key.clone(),
            context: None,
        }
    }
}
