//! `[admin]`: the endpoint for operators.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Located;

/// The endpoint for operators: `/metrics`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Admin")]
pub(in crate::topology) struct AdminTable {
    /// Address and port, such as `127.0.0.1:9464`; port 0 is any free one. `--admin` comes first.
    #[schemars(extend("examples" = ["127.0.0.1:9464"]))]
    pub listen: Option<Located<String>>,
}
