//! Values that are written with a unit, or as a whole number.

use std::borrow::Cow;
use std::time::Duration;

use bytesize::ByteSize;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A whole number, zero or more. In the file it may come from a variable: `"${REPLICAS:-3}"`.
#[derive(Debug, Clone, Copy)]
pub(in crate::topology) struct Count(pub u64);

/// A number of bytes: `1048576`, `"1MiB"`.
#[derive(Debug, Clone, Copy)]
pub(in crate::topology) struct Size(pub u64);

/// A duration: `"200ms"`, `"1m 30s"`, `"7d"`.
#[derive(Debug, Clone, Copy)]
pub(in crate::topology) struct Timespan(pub Duration);

/// A share, from 0 to 1: `0.5`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(in crate::topology) struct Ratio(pub f64);

impl Ratio {
    /// Parses what is written as a number.
    pub(in crate::topology) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).map(Self)
    }
}

impl Size {
    /// Parses what stands between the quotes.
    pub(in crate::topology) fn parse(text: &str) -> Result<Self, String> {
        text.parse::<ByteSize>().map(|size| Self(size.as_u64()))
    }
}

impl Timespan {
    /// Parses what stands between the quotes.
    pub(in crate::topology) fn parse(text: &str) -> Result<Self, humantime::DurationError> {
        humantime::parse_duration(text).map(Self)
    }
}

/// A number may have to be written as a text: for its unit, or because a variable holds it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(number) => Ok(Self(number)),
            Written::Text(text) => text.parse().map(Self).map_err(Error::custom),
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(bytes) => Ok(Self(bytes)),
            Written::Text(text) => Self::parse(&text).map_err(Error::custom),
        }
    }
}

impl<'de> Deserialize<'de> for Timespan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(Error::custom)
    }
}

impl JsonSchema for Count {
    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A whole number, or a variable that holds one.",
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": r"\$\{",
        })
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of bytes, or a text with a unit such as \"512KiB\" or \"2GiB\".",
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": r"^\s*\d+(\.\d+)?\s*([kKmMgGtTpPeE]i?)?[bB]?\s*$|\$\{",
        })
    }
}

impl JsonSchema for Ratio {
    fn schema_name() -> Cow<'static, str> {
        "Ratio".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A share, from 0 to 1.",
            "type": "number",
            "minimum": 0,
            "maximum": 1,
        })
    }
}

impl JsonSchema for Timespan {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration with its unit, such as \"200ms\", \"30s\", \"1h 30m\" or \"7d\".",
            "type": "string",
            "pattern": r"^\s*(\d+(\.\d+)?\s*[a-zA-Zµ]+\s*)+$|\$\{",
        })
    }
}
