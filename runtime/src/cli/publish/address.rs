//! Where a line goes: its subject and its id, taken from its fields.

use std::borrow::Cow;

use serde_json::Value;
use tidegate::subject::{Pattern, SubjectError};

/// Turns lines into subjects and ids.
#[derive(Debug)]
pub(super) struct Address {
    subject: Pattern,
    id_field: Option<String>,
    /// Makes the ids of this run its own where no field gives them.
    run: u64,
}

/// Why a line cannot be published.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadLine {
    #[error("longer than the {limit} bytes that the server takes")]
    TooLong { limit: usize },
    #[error("no JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("no JSON object, so it has no field `{field}`")]
    NoObject { field: String },
    #[error("no field `{field}`")]
    NoField { field: String },
    #[error("field `{field}` is {found}, but only a string or a number can stand in a subject or an id")]
    Unfit { field: String, found: &'static str },
    #[error(transparent)]
    Subject(#[from] SubjectError),
}

impl Address {
    /// Subjects by this pattern, ids from this field.
    pub(super) fn new(subject: Pattern, id_field: Option<String>) -> Self {
        Self { subject, id_field, run: rand::random() }
    }

    /// The subject and the id of a line.
    pub(super) fn of(&self, number: u64, line: &[u8]) -> Result<(String, String), BadLine> {
        let value: Value = serde_json::from_slice(line)?;
        let names = self.subject.names();
        let tokens =
            names.iter().map(|name| Ok((name, field(&value, name)?))).collect::<Result<Vec<_>, BadLine>>()?;
        let token = |wanted: &str| tokens.iter().find(|(name, _)| *name == wanted).map(|(_, value)| &**value);
        let subject = self.subject.render(token)?;
        let id = match &self.id_field {
            Some(name) => field(&value, name)?.into_owned(),
            None => format!("{:016x}:{number}", self.run),
        };
        Ok((subject, id))
    }
}

fn field<'a>(line: &'a Value, name: &str) -> Result<Cow<'a, str>, BadLine> {
    let field = || name.to_owned();
    let Some(object) = line.as_object() else { return Err(BadLine::NoObject { field: field() }) };
    let unfit = |found| Err(BadLine::Unfit { field: field(), found });
    match object.get(name) {
        None => Err(BadLine::NoField { field: field() }),
        Some(Value::String(text)) => Ok(text.into()),
        Some(Value::Number(number)) => Ok(number.to_string().into()),
        Some(Value::Null) => unfit("null"),
        Some(Value::Bool(_)) => unfit("a boolean"),
        Some(Value::Array(_)) => unfit("a list"),
        Some(Value::Object(_)) => unfit("an object"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(id_field: Option<&str>) -> Address {
        Address::new("orders.{order}.{event}".parse().expect("a pattern"), id_field.map(str::to_owned))
    }

    fn problem(line: &str) -> String {
        address(None).of(1, line.as_bytes()).expect_err("a bad line").to_string()
    }

    #[test]
    fn fields_become_tokens_and_id() {
        let line = br#"{"order": 42, "event": "placed", "id": "a-1"}"#;

        let (subject, id) = address(Some("id")).of(1, line).expect("a good line");

        assert_eq!((subject.as_str(), id.as_str()), ("orders.42.placed", "a-1"));
    }

    #[test]
    fn without_a_field_ids_differ_by_line_and_run() {
        let line = br#"{"order": 42, "event": "placed"}"#;
        let (first, second) = (address(None), address(None));

        let ids = [first.of(1, line), first.of(2, line), second.of(1, line)]
            .map(|address| address.expect("a good line").1);

        assert!(ids[0] != ids[1] && ids[0] != ids[2], "{ids:?}");
    }

    #[test]
    fn a_bad_line_says_what_is_wrong() {
        assert_eq!(problem(r#"{"event": "placed"}"#), "no field `order`");
        assert_eq!(problem("[1]"), "no JSON object, so it has no field `order`");
        assert_eq!(
            problem(r#"{"order": [1], "event": "placed"}"#),
            "field `order` is a list, but only a string or a number can stand in a subject or an id"
        );
        assert!(problem("{").starts_with("no JSON: "));
        assert_eq!(
            problem(r#"{"order": "a.>", "event": "placed"}"#),
            "token `a.>` has a character that a subject cannot have"
        );
    }
}
