//! The HTTP door: where it is, what it lets in, and which path leads to which subject.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidegate::subject::Pattern;

use super::RoutePath;
use crate::topology::name::RouteName;

/// The HTTP door of a topology.
#[derive(Debug, Clone)]
pub struct Ingress {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The file with the hashes of the tokens; without one everybody who reaches it is let in.
    pub tokens: Option<PathBuf>,
    /// The largest event, in bytes.
    pub max_body: usize,
    /// How many connections are open at a time.
    pub max_connections: usize,
    /// How long a client may take to send a request's head, and each event.
    pub timeout: Duration,
    /// The most requests a second of one token or address.
    pub rate: Option<u32>,
    /// Its routes, no two of which take the same path.
    pub routes: BTreeMap<RouteName, Route>,
}

/// A path to which events are posted, and the subject they are published to.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its name: the `operationId` of its description.
    pub name: RouteName,
    /// The path; its parameters are tokens of the subject.
    pub path: RoutePath,
    /// The subject. Every named token is a parameter of the path or one of [`fields`](Self::fields), never both.
    pub subject: Pattern,
    /// JSON pointers (RFC 6901) into the body, by the tokens that they give.
    pub fields: BTreeMap<String, String>,
    /// Where an event's id is found.
    pub id: Option<IdSource>,
    /// What is taken.
    pub content: Content,
}

/// Where the id of an event is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdSource {
    /// In a header of the request.
    Header(String),
    /// In the JSON body, at this JSON pointer.
    Json(String),
}

/// What bodies a route takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// JSON of this content type, checked to be JSON.
    Json(String),
    /// Anything of this content type, unread.
    Opaque(String),
    /// Anything, unread.
    Any,
}

impl Ingress {
    /// The default of [`listen`](Self::listen): this machine only.
    pub const LISTEN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8080));

    /// The default of [`max_body`](Self::max_body): 1 MiB, which is also the server's default limit of a message.
    pub const MAX_BODY: usize = 1 << 20;

    /// The default of [`max_connections`](Self::max_connections).
    pub const MAX_CONNECTIONS: usize = 512;

    /// The default of [`timeout`](Self::timeout).
    pub const TIMEOUT: Duration = Duration::from_secs(10);

    /// The path of the description of the routes.
    pub const DESCRIPTION: &str = "/openapi.json";

    /// Makes a relative path relative to `directory` instead of the topology file.
    pub(in crate::topology) fn rebase(&mut self, directory: &Path) {
        if let Some(tokens) = &mut self.tokens {
            *tokens = directory.join(&*tokens);
        }
    }
}

impl Content {
    /// What is taken unless the route says otherwise.
    pub const JSON: &str = "application/json";

    /// Whether bodies are read as JSON.
    pub fn is_json(&self) -> bool {
        matches!(self, Self::Json(_))
    }
}
