//! The JSON Schema of the topology file, for editors and for [`conform`](crate::topology::conform).

use schemars::transform::RecursiveTransform;
use schemars::{Schema, generate::SchemaSettings};
use serde_json::Value;

use super::File;

/// The JSON Schema (draft 2020-12) of the topology file, as published in `deploy/topology.schema.json`.
pub fn json_schema() -> String {
    let mut text = format!("{:#}", file_schema().as_value());
    text.push('\n');
    text
}

/// The schema as a value.
pub(in crate::topology) fn file_schema() -> Schema {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(without_null));
    settings.into_generator().into_root_schema_for::<File>()
}

/// An optional key may be left out, but TOML has no null to set it to.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            object.extend(only);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/topology.schema.json");

    #[test]
    fn the_published_schema_is_current() {
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(PUBLISHED, json_schema()).expect("deploy/ can be written");
        }

        let published = std::fs::read_to_string(PUBLISHED).unwrap_or_default();

        assert!(
            published == json_schema(),
            "deploy/topology.schema.json is out of date: run this test with UPDATE=1"
        );
    }

    #[test]
    fn no_key_can_be_null() {
        assert!(!json_schema().contains("null"));
    }
}
