//! The alerts that are raised.

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::Watch;
use crate::message::Alert;

/// The alerts that this instance has raised.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Alerts")]
pub(in crate::admin) struct AlertList {
    alerts: Vec<AlertView>,
}

/// A number of an actor that is past its threshold.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Alert")]
struct AlertView {
    actor: String,
    /// `queue_depth`, `lag`, `processing`, `dead_letters`, `dead_letter_rate`, `blocked`, `stalled`.
    name: &'static str,
    value: f64,
    threshold: f64,
    /// `messages`, `per_minute`, `seconds`.
    unit: &'static str,
    /// When it was raised (RFC 3339).
    since: String,
    /// The same in words.
    text: String,
}

impl AlertList {
    pub(in crate::admin) fn of(watch: &Watch) -> Self {
        Self { alerts: watch.alerts().into_iter().map(AlertView::of).collect() }
    }
}

impl AlertView {
    fn of(alert: Alert) -> Self {
        let Alert { name, actor, value, threshold, unit, since, text } = alert;
        let since = humantime::format_rfc3339_millis(since).to_string();
        Self { actor, name: name.as_str(), value, threshold, unit: unit.as_str(), since, text }
    }
}
