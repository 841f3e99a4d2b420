//! The description of the endpoint: an OpenAPI 3.1 document.

use std::future::{Ready, ready};
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::control::ControlView;
use super::health::HealthView;
use super::view::{ActorDetail, ActorList, AlertList, PartitionView, TopologyView};
use crate::http::CONTENT_TYPE;

static DESCRIPTION: LazyLock<String> = LazyLock::new(describe);

/// `GET /openapi.json`
pub(super) fn serve() -> Ready<Response<Body>> {
    let mut response = Response::new(Body::from(DESCRIPTION.as_str()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ready(response)
}

/// The document, with a line break at its end. It is the same for all topologies.
pub fn describe() -> String {
    let mut schemas = SchemaSettings::draft2020_12().for_serialize();
    schemas.definitions_path = "/components/schemas".into();
    schemas.meta_schema = None;
    let mut schemas = schemas.into_generator();
    let health = schemas.subschema_for::<HealthView>();
    let mut paths = json!({
        "/livez": { "get": probe("isLive", "Whether the process's loops answer.", &health) },
        "/readyz": { "get": probe("isReady", "Whether this instance can do its part, and why not.", &health) },
        "/metrics": { "get": {
            "operationId": "metrics",
            "summary": "All instruments, as Prometheus reads them.",
            "security": [],
            "responses": { "200": { "description": "Text, version 0.0.4.", "content": { "text/plain": {} } } },
        } },
        "/api/v1/topology": { "get":
            look::<TopologyView>("topology", "The topology as this instance runs it.", &[], &mut schemas) },
        "/api/v1/actors": { "get":
            look::<ActorList>("actors", "What the actors do in this instance.", &[], &mut schemas) },
        "/api/v1/alerts": { "get":
            look::<AlertList>("alerts", "The alerts that this instance has raised.", &[], &mut schemas) },
        "/api/v1/actors/{actor}": { "get":
            look::<ActorDetail>("actor", "One actor, with its shards and partitions.", &["actor"], &mut schemas) },
        "/api/v1/actors/{actor}/partitions/{partition}": { "get":
            look::<PartitionView>("partition", "One partition of an actor.", &["actor", "partition"], &mut schemas) },
    });
    for (action, summary) in [
        ("pause", "Has the actor begin nothing new, in all instances."),
        ("resume", "Has the actor go on."),
        ("drain", "Has the actor take nothing in, and finish what is in hand."),
    ] {
        paths[format!("/api/v1/actors/{{actor}}/{action}")] =
            json!({ "post": change(action, summary, &mut schemas) });
    }
    let mut definitions: Map<String, Value> = schemas.take_definitions(true);
    definitions.insert("Problem".to_owned(), problem());
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "tidegate admin",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What one instance does. On a loopback address reading needs no token; on others all under /api does.",
        },
        "paths": paths,
        "security": [{}, { "token": [] }],
        "components": {
            "schemas": definitions,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    });
    format!("{document:#}\n")
}

fn probe(id: &str, summary: &str, schema: &schemars::Schema) -> Value {
    let content = json!({ "application/json": { "schema": schema } });
    json!({
        "operationId": id,
        "summary": summary,
        "security": [],
        "responses": {
            "200": { "description": "It is.", "content": content },
            "503": { "description": "It is not, for these reasons.", "content": content },
        },
    })
}

fn look<T: JsonSchema>(id: &str, summary: &str, parameters: &[&str], schemas: &mut SchemaGenerator) -> Value {
    let schema = schemas.subschema_for::<T>();
    let mut responses = json!({
        "200": { "description": "At this moment.", "content": { "application/json": { "schema": schema } } },
        "401": refusal("No token, or one that is not known; only beyond loopback."),
        "403": refusal("A web page asks."),
        "503": refusal("The topology is being started."),
    });
    if !parameters.is_empty() {
        responses["404"] = refusal("There is no such thing.");
    }
    json!({
        "operationId": id,
        "summary": summary,
        "parameters": parameters.iter().copied().map(parameter).collect::<Value>(),
        "responses": responses,
    })
}

fn change(action: &str, summary: &str, schemas: &mut SchemaGenerator) -> Value {
    let control = schemas.subschema_for::<ControlView>();
    let why = json!({ "type": "string", "description": "Why, for whoever wonders later." });
    let reason = json!({ "type": "object", "properties": { "why": why }, "additionalProperties": false });
    let ok =
        json!({ "description": "It is written.", "content": { "application/json": { "schema": control } } });
    json!({
        "operationId": action,
        "summary": summary,
        "security": [{ "token": [] }],
        "parameters": [parameter("actor")],
        "requestBody": { "required": false, "content": { "application/json": { "schema": reason } } },
        "responses": {
            "200": ok,
            "400": refusal("The body is something else."),
            "401": refusal("No token, or one that is not known."),
            "403": refusal("There are no tokens here, so nobody may change anything."),
            "404": refusal("There is no such actor."),
            "409": refusal("Others change the same at the same time."),
            "503": refusal("The topology is being started, or the broker does not answer."),
        },
    })
}

fn parameter(name: &str) -> Value {
    let schema = match name {
        "partition" => json!({ "type": "integer", "minimum": 0 }),
        _ => json!({ "type": "string" }),
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

fn refusal(description: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({ "description": description, "content": { CONTENT_TYPE: { "schema": schema } } })
}

fn problem() -> Value {
    json!({
        "description": "Problem details (RFC 9457).",
        "type": "object",
        "required": ["title", "status", "code", "detail"],
        "properties": {
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "code": { "type": "string", "description": "What kind of problem it is." },
            "detail": { "type": "string" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/admin.openapi.json");

    #[test]
    fn the_published_document_is_current() {
        let current = describe();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(PUBLISHED, &current).expect("deploy/ can be written");
        }

        let published = std::fs::read_to_string(PUBLISHED).unwrap_or_default();
        assert!(
            published == current,
            "deploy/admin.openapi.json is out of date: run this test with UPDATE=1"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document: Value = serde_json::from_str(&describe()).expect("JSON");
        let text = document.to_string();

        let references = text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next());
        let lost: Vec<&str> = references.filter(|pointer| document.pointer(pointer).is_none()).collect();
        assert_eq!(lost, [""; 0]);
        assert!(text.contains("\"#/components/schemas/Actors\""), "{text}");
    }
}
