//! `[ingress]`: the HTTP door, and which path leads to which subject.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Count, Located, Size, Timespan};
use crate::topology::model::Ingress;

/// An HTTP door for publishers that do not speak NATS. There is none unless this table is there.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Ingress")]
pub(in crate::topology) struct IngressTable {
    /// Address and port to listen on; one that is not loopback needs `tokens`.
    #[schemars(extend("default" = Ingress::LISTEN.to_string()))]
    pub listen: Option<Located<String>>,
    /// A file with a line `name:sha256` for each bearer token, relative to this file; read again when it changes.
    pub tokens: Option<Located<String>>,
    /// The largest event that is taken.
    #[schemars(extend("default" = "1MiB"))]
    pub max_body: Option<Located<Size>>,
    /// How many connections are open at a time; others wait until one closes.
    #[schemars(extend("default" = Ingress::MAX_CONNECTIONS))]
    pub max_connections: Option<Located<Count>>,
    /// How long a client may take to send a request's head, and each event.
    #[schemars(extend("default" = humantime::format_duration(Ingress::TIMEOUT).to_string()))]
    pub timeout: Option<Located<Timespan>>,
    /// The most requests a second of one token, or without tokens of one address; unlimited by default.
    pub rate: Option<Located<Count>>,
    /// Routes by name.
    pub routes: BTreeMap<Located<String>, RouteTable>,
}

/// A path to which events are posted, and the subject they are published to.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Route", extend("required" = ["path", "subject"]))]
pub(in crate::topology) struct RouteTable {
    /// The path: `/orders/{order}/placed`, where `{order}` gives a token of the subject.
    #[schemars(extend("examples" = ["/orders/{order}/placed"]))]
    pub path: Option<Located<String>>,
    /// The subject to publish to; each of its tokens comes from the path or from `fields`.
    #[schemars(extend("examples" = ["orders.{order}.placed"]))]
    pub subject: Option<Located<String>>,
    /// Tokens of the subject that come from the JSON body, with a JSON pointer to a string or number: `/order/id`.
    pub fields: BTreeMap<Located<String>, Located<String>>,
    /// Where an event's id is found, by which a repeated event is stored once; by default each event has its own.
    pub id: Option<Located<RouteIdTable>>,
    /// The content type that is taken; `any` passes every body through as it is.
    #[schemars(extend("default" = "application/json"))]
    pub content_type: Option<Located<String>>,
}

/// Where an event's id is found: exactly one of the two.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "RouteId", extend("minProperties" = 1, "maxProperties" = 1))]
pub(in crate::topology) struct RouteIdTable {
    /// The name of a header of the request: `Idempotency-Key`.
    pub header: Option<Located<String>>,
    /// A JSON pointer into the body: `/id`.
    pub json: Option<Located<String>>,
}
