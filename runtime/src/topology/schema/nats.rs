//! `[nats]`: how the server is reached.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Located;

/// How the server is reached.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Nats")]
pub(in crate::topology) struct NatsTable {
    /// `nats://host:4222`, several of them separated by commas, or `embedded`: a private server for development.
    pub url: Option<Located<String>>,
    /// A credentials file (JWT and nkey seed), relative to this file.
    pub credentials: Option<Located<String>>,
    /// User name.
    pub user: Option<Located<String>>,
    /// Password of the user; keep it out of the file with `"${NATS_PASSWORD}"`.
    #[schemars(extend("writeOnly" = true))]
    pub password: Option<Located<String>>,
    /// An authentication token; keep it out of the file with `"${NATS_TOKEN}"`.
    #[schemars(extend("writeOnly" = true))]
    pub token: Option<Located<String>>,
    /// A file with an nkey seed, relative to this file.
    pub nkey_seed: Option<Located<String>>,
    /// Transport security.
    pub tls: Option<TlsTable>,
}

/// Transport security.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Tls")]
pub(in crate::topology) struct TlsTable {
    /// A file with certificates of authorities to trust.
    pub ca: Option<Located<String>>,
    /// A file with the client's certificate.
    pub certificate: Option<Located<String>>,
    /// A file with the key of the client's certificate.
    pub key: Option<Located<String>>,
    /// Refuses a connection without TLS.
    pub required: Option<Located<bool>>,
}
