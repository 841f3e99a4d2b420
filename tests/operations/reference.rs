//! `docs/topology.md` lists every key of the schema, with its kind and default, and no others.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::text;

/// Headings of the page and the definitions of the schema that they describe.
const SECTIONS: [(&str, &str); 11] = [
    ("## Top level", ""),
    ("## `[admin]`", "Admin"),
    ("## `[nats]`", "Nats"),
    ("## `[streams.<NAME>]`", "Stream"),
    ("### `[streams.<NAME>.flow]`", "Flow"),
    ("## `[actors.<name>]`", "Actor"),
    ("### `[actors.<name>.alerts]`", "Alerts"),
    ("### `[actors.<name>.dead_letter_limits]`", "DeadLetterLimits"),
    ("## `[dead_letters]`", "DeadLetters"),
    ("## `[ingress]`", "Ingress"),
    ("### `[ingress.routes.<name>]`", "Route"),
];

/// Tables whose keys stand in the section of the table that holds them, as `tls.ca`.
const INLINE: [&str; 2] = ["Tls", "Marks"];

/// A row of the page.
#[derive(Debug)]
struct Row {
    kind: String,
    /// `None` in a table without that column.
    default: Option<String>,
    text: String,
}

/// The rows of the section under a heading, by key.
fn rows(page: &str, heading: &str) -> BTreeMap<String, Row> {
    let (_, section) = page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no `{heading}`"));
    let section = section.split("\n#").next().unwrap_or_default();
    let has_default = section.contains("| default |");
    let mut rows = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        for key in cells[0].split(", ").map(|key| key.trim_matches(['`', '[', ']'])) {
            let row = Row {
                kind: cells[1].to_owned(),
                default: has_default.then(|| cells[2].to_owned()),
                text: cells[cells.len() - 1].to_owned(),
            };
            assert!(rows.insert(key.to_owned(), row).is_none(), "{heading}: `{key}` stands there twice");
        }
    }
    rows
}

/// The keys of a definition, by name, with those of inline tables and without those that have a section.
fn keys(schema: &Value, definition: &str) -> BTreeMap<String, Value> {
    let table = if definition.is_empty() { schema } else { &schema["$defs"][definition] };
    let required: BTreeSet<&str> =
        table["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut found = BTreeMap::new();
    for (name, key) in table["properties"].as_object().expect("a table has keys") {
        let points_to =
            |key: &Value| key["$ref"].as_str().and_then(|path| path.rsplit('/').next()).map(str::to_owned);
        let target = points_to(key).or_else(|| points_to(&key["additionalProperties"])).unwrap_or_default();
        if INLINE.contains(&target.as_str()) {
            let inner =
                keys(schema, &target).into_iter().map(|(inner, key)| (format!("{name}.{inner}"), key));
            found.extend(inner);
        } else if !SECTIONS.iter().any(|(_, section)| *section == target && !target.is_empty()) {
            let mut key = key.clone();
            key["required"] = required.contains(name.as_str()).into();
            found.insert(name.clone(), key);
        }
    }
    found
}

/// What is wrong with the row of a key.
fn complaint(key: &Value, row: &Row) -> Option<String> {
    let kind = key["$ref"].as_str().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    if ["Size", "Count", "Duration"].contains(&kind) && row.kind != kind.to_lowercase() {
        return Some(format!("is a {}, not a {}", kind.to_lowercase(), row.kind));
    }
    if row.text.is_empty() {
        return Some("is not described".to_owned());
    }
    let default = row.default.as_ref()?;
    if key["required"] == true {
        return (default != "required").then(|| "is required".to_owned());
    }
    let given = key.get("default").map(|given| given.to_string().replace("\",\"", "\", \""))?;
    (!default.contains(&format!("`{given}`"))).then(|| format!("has the default {given}, not {default}"))
}

#[test]
fn the_reference_of_the_topology_has_every_key_of_the_schema_with_its_default() {
    let page = text("docs/topology.md");
    let schema: Value =
        serde_json::from_str(&text("deploy/topology.schema.json")).expect("the schema is JSON");

    let mut wrong = Vec::new();
    let is_known = |definition: &str| definition.is_empty() || schema["$defs"].get(definition).is_some();
    for (heading, definition) in SECTIONS.into_iter().filter(|(_, definition)| is_known(definition)) {
        let (mut rows, keys) = (rows(&page, heading), keys(&schema, definition));
        // `low.…` stands for the same keys as those of `high`.
        let same: Vec<String> = keys.keys().filter(|key| key.starts_with("low.")).cloned().collect();
        let same = if rows.remove("low.…").is_some() { same } else { Vec::new() };
        for (name, key) in keys.iter().filter(|(name, _)| !same.contains(name)) {
            match rows.remove(name) {
                Some(row) => {
                    wrong.extend(complaint(key, &row).map(|why| format!("{heading}: `{name}` {why}")));
                }
                None => wrong.push(format!("{heading}: `{name}` is missing")),
            }
        }
        wrong.extend(rows.keys().map(|name| format!("{heading}: there is no key `{name}`")));
    }

    assert!(wrong.is_empty(), "docs/topology.md is not true to the schema:\n{}", wrong.join("\n"));
}
