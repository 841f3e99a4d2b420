//! The description of the routes: an OpenAPI 3.1 document.

use serde_json::{Map, Value, json};

use super::entry::LINES;
use crate::http::CONTENT_TYPE;
use crate::topology::{Content, IdSource, Ingress, Route};

/// The document, with a line break at its end. It says nothing about where the ingress listens.
pub fn describe(title: &str, ingress: &Ingress) -> String {
    let has_tokens = ingress.tokens.is_some();
    let paths = ingress.routes.values().map(|route| (route.path.to_string(), path(route, has_tokens)));
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Takes events and answers when they are stored.",
        },
        "paths": paths.collect::<Map<String, Value>>(),
        "components": components(),
    });
    if has_tokens {
        document["components"]["securitySchemes"] =
            json!({ "token": { "type": "http", "scheme": "bearer" } });
        document["security"] = json!([{ "token": [] }]);
    }
    format!("{document:#}\n")
}

fn path(route: &Route, has_tokens: bool) -> Value {
    let operation = json!({
        "operationId": route.name,
        "summary": format!("Publishes to `{}`", route.subject),
        "parameters": parameters(route),
        "requestBody": { "required": true, "content": content(route) },
        "responses": responses(has_tokens),
    });
    json!({ "post": operation })
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route.path.parameters().map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "$ref": "#/components/schemas/Token" } })
    });
    let id = match &route.id {
        Some(IdSource::Header(name)) => Some(json!({
            "name": name,
            "in": "header",
            "required": false,
            "description": "Of all events with one id the stream stores one, within its duplicate window. The lines of a request are numbered.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 256 },
        })),
        Some(IdSource::Json(_)) | None => None,
    };
    in_path.chain(id).collect()
}

fn content(route: &Route) -> Value {
    let mut content = Map::new();
    match &route.content {
        Content::Any => content.insert("*/*".to_owned(), json!({})),
        Content::Opaque(kind) => content.insert(kind.clone(), json!({})),
        Content::Json(kind) => {
            let schema = schema(route);
            let lines = json!({ "type": "string", "description": "An event in every line, each as in the other type." });
            content.insert(LINES.to_owned(), json!({ "schema": lines }));
            content.insert(kind.clone(), json!({ "schema": schema }))
        }
    };
    content.into()
}

/// What the route itself needs of a body; the rest is between the client and the handlers.
fn schema(route: &Route) -> Value {
    let mut schema = json!({});
    for pointer in route.fields.values() {
        require(&mut schema, pointer, &json!({ "$ref": "#/components/schemas/Token" }), true);
    }
    if let Some(IdSource::Json(pointer)) = &route.id {
        let id = json!({ "type": ["string", "integer", "null"], "maxLength": 256 });
        require(&mut schema, pointer, &id, false);
    }
    schema
}

/// Puts `leaf` where the pointer leads to.
fn require(schema: &mut Value, pointer: &str, leaf: &Value, is_required: bool) {
    let mut place = schema;
    let parts: Vec<String> =
        pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    for part in &parts {
        place["type"] = "object".into();
        if is_required {
            let mut required = place["required"].as_array().cloned().unwrap_or_default();
            if !required.contains(&part.as_str().into()) {
                required.push(part.as_str().into());
            }
            place["required"] = required.into();
        }
        place = &mut place["properties"][part];
    }
    if place.is_null() {
        *place = leaf.clone();
    }
}

fn responses(has_tokens: bool) -> Value {
    let mut responses = json!({
        "202": {
            "description": "Every event is stored.",
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Stored" } } },
        },
    });
    let problems = [
        (
            "400",
            "The event is malformed, or a field cannot stand in the subject. Of many lines, at least one.",
        ),
        ("401", "No token, or one that is not known."),
        ("403", "A web page posts without a token."),
        ("408", "The event did not arrive in time."),
        ("413", "The event is too large."),
        ("415", "The content type is not that of the route."),
        (
            "429",
            "The stream does not take it at this moment, or the client sends too much. See `Retry-After`.",
        ),
        (
            "503",
            "The broker does not answer: the event may be stored. Sent again with the same id it is stored once.",
        ),
    ];
    let has = |status: &str| match status {
        "401" => has_tokens,
        "403" => !has_tokens,
        _ => true,
    };
    for (status, description) in problems.into_iter().filter(|(status, _)| has(status)) {
        let mut response = json!({
            "description": description,
            "content": { CONTENT_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } },
        });
        if matches!(status, "429" | "503") {
            response["headers"] = json!({
                "Retry-After": { "description": "In how many seconds to try again.", "schema": { "type": "integer", "minimum": 1 } },
            });
        }
        responses[status] = response;
    }
    responses
}

fn components() -> Value {
    let line = json!({
        "type": "object",
        "required": ["line", "status", "code", "detail"],
        "properties": {
            "line": { "type": "integer", "minimum": 1 },
            "status": { "type": "integer" },
            "code": { "type": "string" },
            "detail": { "type": "string" },
            "pointer": { "type": "string" },
            "retry_after": { "type": "integer", "minimum": 1 },
        },
    });
    json!({
        "schemas": {
            "Token": {
                "description": "One token of a subject: no `.`, `*`, `>`, `$`, white space or control characters.",
                "type": ["string", "integer"],
                "pattern": "^[^.*>$\\s]+$",
            },
            "Stored": {
                "type": "object",
                "properties": {
                    "stream": { "type": "string", "description": "Of one event: the stream that has it." },
                    "sequence": { "type": "integer", "description": "Its sequence there." },
                    "duplicate": { "type": "boolean", "description": "Whether the stream had it already." },
                    "stored": { "type": "integer", "description": "Of many events: how many are stored." },
                    "duplicates": { "type": "integer", "description": "How many of them the stream had already." },
                },
            },
            "Problem": {
                "description": "Problem details (RFC 9457).",
                "type": "object",
                "required": ["title", "status", "code", "detail"],
                "properties": {
                    "title": { "type": "string" },
                    "status": { "type": "integer" },
                    "code": { "type": "string", "description": "What kind of problem it is." },
                    "detail": { "type": "string" },
                    "pointer": { "type": "string", "description": "Which part of the event: a JSON pointer." },
                    "retry_after": { "type": "integer", "minimum": 1, "description": "As the header." },
                    "read": { "type": "integer", "description": "How many lines were looked at." },
                    "stored": { "type": "integer" },
                    "duplicates": { "type": "integer" },
                    "failed": { "type": "integer" },
                    "unknown": { "type": "integer", "description": "How many lines may be stored." },
                    "results": {
                        "type": "array",
                        "description": "The lines that are not stored, 100 of them at most.",
                        "maxItems": 100,
                        "items": line,
                    },
                },
            },
        },
    })
}
