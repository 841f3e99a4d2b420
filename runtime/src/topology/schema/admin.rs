//! `[admin]`: the endpoint for operators.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Located;

/// The endpoint for operators: health, metrics, what actors do, and what changes that.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Admin")]
pub(in crate::topology) struct AdminTable {
    /// Address and port, such as `127.0.0.1:9464`; port 0 is any free one. `--admin` comes first. One that is not
    /// loopback needs `tokens`.
    #[schemars(extend("examples" = ["127.0.0.1:9464"]))]
    pub listen: Option<Located<String>>,
    /// A file with a line `name:sha256` for each bearer token, relative to this file; read again when it changes. Without
    /// it nothing can be changed over HTTP.
    pub tokens: Option<Located<String>>,
}
