//! Parts of the file that belong to others: to Cargo and to the handlers.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// A dependency in Cargo's syntax: a version, or a table with `path`, `git`, `version`, `features` …
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(in crate::topology) struct Dependency(pub toml::Value);

/// What a handler can be set to, known only to the handler.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(in crate::topology) struct Settings(pub toml::Table);

impl JsonSchema for Dependency {
    fn schema_name() -> Cow<'static, str> {
        "Dependency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A dependency as in Cargo.toml: a version, or a table with `path`, `git`, `version`, `features`, …",
            "type": ["string", "object"],
            "examples": [{ "path": "handlers/payments" }],
        })
    }
}

impl JsonSchema for Settings {
    fn schema_name() -> Cow<'static, str> {
        "Settings".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "The handler's own settings.", "type": "object" })
    }
}
