//! What the schema says about one place of the file.

use serde_json::Value as Json;

/// A place in the JSON Schema of the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema<'s> {
    root: &'s Json,
    node: &'s Json,
}

/// What may stand at a place of the file.
#[derive(Debug)]
pub(super) enum Expected<'s> {
    /// A table with known keys, or a map with names for keys.
    Table,
    /// An array of such.
    List(Schema<'s>),
    /// Any text.
    Text,
    /// One of these words.
    Word(Vec<&'s str>),
    /// `true` or `false`.
    Boolean,
    /// A whole number, zero or more.
    Count,
    /// A share, from 0 to 1.
    Ratio,
    /// A number of bytes, with or without a unit.
    Size,
    /// A duration with its unit.
    Duration,
    /// A dependency in Cargo's syntax.
    Dependency,
    /// A table that is not ours to judge.
    Settings,
    /// Whatever is inside of such a table.
    Anything,
}

impl<'s> Schema<'s> {
    /// The schema of the whole file.
    pub(super) fn root(root: &'s Json) -> Self {
        Self { root, node: root }
    }

    /// The keys that must be there.
    pub(super) fn required(self) -> impl Iterator<Item = &'s str> {
        words(&self.resolved().node["required"])
    }

    /// The keys that may be there; none for a map.
    pub(super) fn members(self) -> impl Iterator<Item = &'s str> {
        self.resolved().node["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// What belongs inside of what is not ours to judge.
    pub(super) fn anything(self) -> Self {
        self.at(&Json::Null)
    }

    /// What belongs under this key.
    pub(super) fn member(self, name: &str) -> Option<Self> {
        let node = self.resolved().node;
        let member = node["properties"]
            .get(name)
            .or_else(|| node.get("additionalProperties").filter(|rest| rest.is_object()))?;
        Some(self.at(member))
    }

    /// Whether the value must not be shown.
    pub(super) fn is_secret(self) -> bool {
        self.node["writeOnly"] == true
    }

    /// An example value as it would be written.
    pub(super) fn example(self) -> String {
        self.node["examples"].get(0).map_or_else(|| "…".to_owned(), ToString::to_string)
    }

    /// What may stand here.
    pub(super) fn expected(self) -> Expected<'s> {
        match self.definition() {
            Some("Count") => return Expected::Count,
            Some("Ratio") => return Expected::Ratio,
            Some("Size") => return Expected::Size,
            Some("Duration") => return Expected::Duration,
            Some("Dependency") => return Expected::Dependency,
            Some("Settings") => return Expected::Settings,
            Some(_) | None => {}
        }
        let node = self.resolved().node;
        if let Some(choices) = node["oneOf"].as_array() {
            return Expected::Word(choices.iter().filter_map(|choice| choice["const"].as_str()).collect());
        }
        match node["type"].as_str() {
            Some("object") => Expected::Table,
            Some("array") => Expected::List(self.at(&node["items"])),
            Some("string") => Expected::Text,
            Some("boolean") => Expected::Boolean,
            Some(_) | None => Expected::Anything,
        }
    }

    fn at(self, node: &'s Json) -> Self {
        Self { node, ..self }
    }

    fn definition(self) -> Option<&'s str> {
        self.node["$ref"].as_str()?.strip_prefix("#/$defs/")
    }

    fn resolved(self) -> Self {
        match self.definition() {
            Some(name) => self.at(&self.root["$defs"][name]),
            None => self,
        }
    }
}

impl Expected<'_> {
    /// What it is called in a message.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Table | Self::Settings => "a table".to_owned(),
            Self::List(_) => "an array".to_owned(),
            Self::Text => "a string".to_owned(),
            Self::Word(words) => format!("one of {}", super::suggest::listed(words)),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::Count => "a whole number, 0 or more".to_owned(),
            Self::Ratio => "a number from 0 to 1, such as `0.5`".to_owned(),
            Self::Size => "a size such as `\"64MiB\"`".to_owned(),
            Self::Duration => "a duration such as `\"30s\"`".to_owned(),
            Self::Dependency => "a Cargo dependency such as `{ path = \"handlers/payments\" }`".to_owned(),
            Self::Anything => "a value".to_owned(),
        }
    }
}

fn words(list: &Json) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Json::as_str)
}
