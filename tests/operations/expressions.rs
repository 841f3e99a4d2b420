//! The expressions of the dashboards, and the metrics that they and the rules ask for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{repository, text};

/// An expression of a dashboard, as Prometheus gets it from Grafana.
#[derive(Debug)]
pub(super) struct Expression {
    /// The dashboard and the panel, for whoever has to find it.
    pub(super) place: String,
    pub(super) text: String,
}

/// All expressions of all dashboards, for the actor `worker`.
pub(super) fn of_dashboards() -> Vec<Expression> {
    let directory = repository("deploy/grafana/dashboards");
    let entries = std::fs::read_dir(directory).expect("there are dashboards");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    let of = |name: &std::ffi::OsString| {
        let path = format!("deploy/grafana/dashboards/{}", name.display());
        let dashboard: Value = serde_json::from_str(&text(&path)).expect("a dashboard is JSON");
        let mut found = Vec::new();
        collect(&dashboard, &path, &mut found);
        found
    };
    names.iter().flat_map(of).collect()
}

/// The metrics that a text asks for or speaks of: what begins like one and is no label.
pub(super) fn metrics_in<'t>(text: &'t str, labels: &BTreeSet<String>) -> BTreeSet<&'t str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c));
    let is_ours = |word: &&str| ["tidegate_", "messaging_", "process_"].iter().any(|p| word.starts_with(p));
    words.filter(is_ours).filter(|word| !labels.contains(*word)).collect()
}

fn collect(value: &Value, place: &str, found: &mut Vec<Expression>) {
    match value {
        Value::Object(object) => {
            let place = match object.get("title").and_then(Value::as_str) {
                Some(title) => format!("{place}: {title}"),
                None => place.to_owned(),
            };
            if let Some(text) = object.get("expr").and_then(Value::as_str) {
                found.push(Expression { place: place.clone(), text: filled_in(text) });
            }
            // A variable takes its values from the label of a metric: `label_values(metric, label)`.
            if let Some(text) = object.get("definition").and_then(Value::as_str) {
                let call = text.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
                let (metric, label) = call.and_then(|call| call.rsplit_once(", ")).expect("label_values");
                found.push(Expression {
                    place: place.clone(),
                    text: filled_in(&format!("count by ({label}) ({metric})")),
                });
            }
            object.values().for_each(|value| collect(value, &place, found));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, place, found)),
        _ => {}
    }
}

fn filled_in(expression: &str) -> String {
    let values = [("$__rate_interval", "1m"), ("$__range", "1h"), ("$job", ".*"), ("$actor", "worker")];
    let text = values.iter().fold(expression.to_owned(), |text, (name, value)| text.replace(name, value));
    assert!(!text.contains('$'), "a variable without a value: {expression}");
    text
}
