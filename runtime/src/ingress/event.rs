//! Turns what a route takes into an event: subject, id, payload.

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde_json::Value;
use tidegate::subject::SubjectError;
use tidegate_producer::Event;

use crate::http::{Code, Problem};
use crate::topology::{Content, IdSource, Route};

/// The longest id that a client may give.
const LONGEST_ID: usize = 256;

/// The head of a request to a route: what its events have in common.
#[derive(Debug)]
pub(super) struct Mould<'r> {
    route: &'r Route,
    /// The values of the path's parameters, in order.
    parameters: Vec<String>,
    /// The id that a header gives.
    id: Option<String>,
    /// What is passed on of the body's type; JSON is what handlers expect.
    content_type: Option<String>,
}

impl<'r> Mould<'r> {
    /// Reads the head.
    ///
    /// # Errors
    /// When a parameter or an id is none that events can have. Parameters are checked before the body is read.
    pub(super) fn new(
        route: &'r Route,
        parameters: Vec<String>,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        for (name, value) in route.path.parameters().zip(&parameters) {
            check_token(value).map_err(|detail| {
                Problem::new(Code::BadField, format!("`{{{name}}}` of the path {detail}"))
            })?;
        }
        let id = match &route.id {
            Some(IdSource::Header(name)) => id_of_header(name, headers)?,
            Some(IdSource::Json(_)) | None => None,
        };
        let content_type = match route.content {
            Content::Json(_) => None,
            Content::Opaque(_) | Content::Any => {
                headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned)
            }
        };
        Ok(Self { route, parameters, id, content_type })
    }

    /// The event of a body; with several of them, each says which one it is.
    ///
    /// # Errors
    /// When the body is not JSON though the route takes only that, or a field of it cannot stand in a subject or an id.
    pub(super) fn event(&self, body: Bytes, number: Option<u64>) -> Result<Event, Problem> {
        let value = if self.route.content.is_json() {
            serde_json::from_slice(&body)
                .map_err(|error| Problem::new(Code::Malformed, format!("no JSON: {error}")))?
        } else {
            Value::Null
        };
        let subject = self.subject(&value)?;
        let id = match (&self.route.id, &self.id, number) {
            (Some(IdSource::Json(pointer)), _, _) => id_of_body(pointer, &value)?,
            (_, Some(id), Some(number)) => Some(format!("{id}:{number}")),
            (_, Some(id), None) => Some(id.clone()),
            (_, None, _) => None,
        };
        let is_of_an_entity = self.route.subject.names().iter().next().is_some();
        let mut event = Event::new(subject.clone(), body);
        if let Some(id) = id {
            event = event.id(format!("{}:{id}", self.route.name));
        }
        if is_of_an_entity {
            event = event.key(subject);
        }
        if let Some(content_type) = &self.content_type {
            event = event.header("Content-Type", content_type);
        }
        Ok(event)
    }

    fn subject(&self, value: &Value) -> Result<String, Problem> {
        let mut fields = Vec::with_capacity(self.route.fields.len());
        for (token, pointer) in &self.route.fields {
            let text =
                text_at(pointer, value).map_err(|detail| Problem::new(Code::BadField, detail).at(pointer))?;
            check_token(&text).map_err(|detail| {
                Problem::new(Code::BadField, format!("`{pointer}` {detail}")).at(pointer)
            })?;
            fields.push((token.as_str(), text));
        }
        let parameters = || self.route.path.parameters().zip(self.parameters.iter().map(String::as_str));
        let subject = self.route.subject.render(|wanted| {
            let field = fields.iter().find(|(token, _)| *token == wanted).map(|(_, text)| text.as_str());
            field.or_else(|| parameters().find(|(name, _)| *name == wanted).map(|(_, value)| value))
        });
        subject.map_err(|error| Problem::new(Code::BadField, too_long(&error)))
    }
}

/// A subject that is too long is the only thing left that its tokens do not show one by one.
fn too_long(error: &SubjectError) -> String {
    error.to_string()
}

/// One plain token: what makes a subject something else than was meant is refused, and nothing is escaped.
fn check_token(value: &str) -> Result<(), &'static str> {
    if value.is_empty() {
        return Err("is empty");
    }
    if value.contains(['.', '*', '>', '$']) || value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(
            "has a character that a subject's token cannot have: `.`, `*`, `>`, `$`, white space or control",
        );
    }
    Ok(())
}

fn id_of_header(name: &str, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|_| values.next().is_none());
    let id = text.and_then(plain_id).ok_or_else(|| {
        Problem::new(
            Code::BadId,
            format!("`{name}` is none or several, longer than {LONGEST_ID}, or not plain ASCII"),
        )
    })?;
    Ok(Some(id))
}

fn id_of_body(pointer: &str, value: &Value) -> Result<Option<String>, Problem> {
    if matches!(value.pointer(pointer), None | Some(Value::Null)) {
        return Ok(None);
    }
    let text = text_at(pointer, value).map_err(|detail| Problem::new(Code::BadId, detail).at(pointer))?;
    let id = plain_id(&text).ok_or_else(|| {
        let detail =
            format!("`{pointer}` is empty, longer than {LONGEST_ID} bytes, or has control characters");
        Problem::new(Code::BadId, detail).at(pointer)
    })?;
    Ok(Some(id))
}

fn plain_id(text: &str) -> Option<String> {
    let text = text.trim();
    let is_plain = !text.is_empty() && text.len() <= LONGEST_ID && !text.chars().any(char::is_control);
    is_plain.then(|| text.to_owned())
}

/// A string, or a whole number as it is written: other numbers have several ways to be written.
fn text_at(pointer: &str, value: &Value) -> Result<String, String> {
    let found = match value.pointer(pointer) {
        Some(Value::String(text)) => return Ok(text.clone()),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => return Ok(number.to_string()),
        Some(Value::Number(_)) => "a fraction or a number beyond 64 bits",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "a boolean",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "an object",
        None => return Err(format!("there is nothing at `{pointer}`")),
    };
    Err(format!("at `{pointer}` is {found}, but only a string or a whole number can stand there"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{Route, parse};

    const SHOP: &str = r#"
        name = "shop"
        [handlers]
        payments = "1"
        [streams.ORDERS]
        subjects = ["orders.{order}.*"]
        max_bytes = "1GiB"
        [actors.payments]
        handler = "payments"
        stream = "ORDERS"
        subjects = ["orders.{order}.placed"]
        "#;

    fn route(keys: &str) -> Route {
        let text = format!("{SHOP}\n[ingress.routes.placed]\nsubject = \"orders.{{order}}.placed\"\n{keys}");
        let checked = parse("topology.toml", &text, &|_| None).expect("the topology is valid");
        let ingress = checked.topology.ingress.expect("an ingress");
        ingress.routes.into_values().next().expect("a route")
    }

    fn by_path() -> Route {
        route("path = \"/orders/{order}\"\nid = { header = \"Idempotency-Key\" }")
    }

    fn by_field() -> Route {
        route("path = \"/orders\"\nfields = { order = \"/order/id\" }\nid = { json = \"/id\" }")
    }

    /// The event as its debug output: the producer keeps its parts to itself.
    fn made(route: &Route, parameters: &[&str], headers: &HeaderMap, body: &str) -> Result<Event, Problem> {
        let parameters = parameters.iter().map(ToString::to_string).collect();
        Mould::new(route, parameters, headers)?.event(Bytes::copy_from_slice(body.as_bytes()), None)
    }

    fn refused(route: &Route, parameters: &[&str], body: &str) -> (Code, Option<String>) {
        let problem = made(route, parameters, &HeaderMap::new(), body).expect_err("it is refused");
        (problem.code, problem.pointer)
    }

    #[test]
    fn path_and_header_become_subject_and_id() {
        let headers = HeaderMap::from_iter([(
            "idempotency-key".parse().expect("a name"),
            "a-1".parse().expect("a value"),
        )]);

        let event = made(&by_path(), &["47"], &headers, "{}").expect("an event");

        let expected = Event::new("orders.47.placed", "{}").id("placed:a-1").key("orders.47.placed");
        assert_eq!(event, expected);
    }

    #[test]
    fn fields_become_subject_and_id() {
        let body = r#"{"order": {"id": 47}, "id": "a-1"}"#;

        let event = made(&by_field(), &[], &HeaderMap::new(), body).expect("an event");

        assert_eq!(event, Event::new("orders.47.placed", body).id("placed:a-1").key("orders.47.placed"));
    }

    #[test]
    fn an_event_of_many_has_the_id_of_all_and_its_own_number() {
        let headers = HeaderMap::from_iter([(
            "idempotency-key".parse().expect("a name"),
            "a".parse().expect("a value"),
        )]);
        let route = by_path();
        let mould = Mould::new(&route, vec!["47".to_owned()], &headers).expect("a mould");

        let event = mould.event(Bytes::from_static(b"1"), Some(3)).expect("an event");

        assert_eq!(event, Event::new("orders.47.placed", "1").id("placed:a:3").key("orders.47.placed"));
    }

    #[test]
    fn hostile_values_are_refused_wherever_they_come_from() {
        let long = "x".repeat(5000);
        for value in [
            "",
            "*",
            ">",
            ".",
            "a.b",
            "a b",
            " ",
            "a\r\nPUB x",
            "\u{0}",
            "$JS.API.STREAM.DELETE.ORDERS",
            "$JS",
            "\u{a0}",
            "\u{2028}",
            &long,
        ] {
            let (code, _) = refused(&by_path(), &[value], "{}");
            assert_eq!(code, Code::BadField, "{value:?} in the path");
            let body = serde_json::json!({ "order": { "id": value } }).to_string();
            let (code, pointer) = refused(&by_field(), &[], &body);
            assert_eq!(code, Code::BadField, "{value:?} in the body");
            assert!(pointer.as_deref() == Some("/order/id") || value == long, "{value:?}: {pointer:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        for value in ["null", "true", "[1]", "{}", "1.5", "1e3", "100000000000000000000"] {
            let body = format!(r#"{{"order": {{"id": {value}}}}}"#);
            assert_eq!(
                refused(&by_field(), &[], &body),
                (Code::BadField, Some("/order/id".to_owned())),
                "{value}"
            );
        }
        assert_eq!(refused(&by_field(), &[], "[]").0, Code::BadField);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for body in ["", "{", "{}{}", "{'a': 1}", "\u{feff}{}", "NaN", &deep] {
            assert_eq!(refused(&by_path(), &["47"], body).0, Code::Malformed, "{body}");
        }
    }

    #[test]
    fn an_id_is_short_and_plain_or_there_is_none() {
        let with_id = |id: &str| format!(r#"{{"order": {{"id": 1}}, "id": {id}}}"#);
        let long = format!("\"{}\"", "x".repeat(257));
        for id in ["\"\"", "\" \"", "[]", "1.5", "\"a\\r\\nb\"", &long] {
            assert_eq!(
                refused(&by_field(), &[], &with_id(id)),
                (Code::BadId, Some("/id".to_owned())),
                "{id}"
            );
        }
        let event = made(&by_field(), &[], &HeaderMap::new(), &with_id("null")).expect("an event");
        assert_eq!(event, Event::new("orders.1.placed", with_id("null")).key("orders.1.placed"));
    }
}
