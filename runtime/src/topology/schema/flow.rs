//! `[streams.<name>.flow]`: when publishers of a stream are slowed down and stopped.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Count, Located, Size, Timespan};

/// When publishers of a stream are slowed down and stopped.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Flow")]
pub(in crate::topology) struct FlowTable {
    /// At these they are stopped; by default at 80 % of the stream's `max_messages` and `max_bytes`.
    pub high: Option<MarksTable>,
    /// Below these they may go on as they like; by default at half of `high`.
    pub low: Option<MarksTable>,
}

/// Marks for what waits for the slowest actor of a stream.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Marks")]
pub(in crate::topology) struct MarksTable {
    /// Messages that wait or are in its hands.
    pub messages: Option<Located<Count>>,
    /// Their bytes.
    pub bytes: Option<Located<Size>>,
    /// How long ago the oldest of them was stored.
    pub lag: Option<Located<Timespan>>,
}
