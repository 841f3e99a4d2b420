//! The way of a request: let in, sent to its route, answered, counted.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::routing::any;
use bytes::Bytes;
use tidegate::Headers;
use tidegate_producer::Producer;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::admission::Admission;
use super::counters::Counters;
use super::event::Mould;
use super::{many, one};
use crate::http::{Code, Peer, Problem};
use crate::telemetry::{RequestFields, RequestSpan};
use crate::topology::{Content, Ingress, Route, Segment};

/// The content type of many events, a line each.
pub(super) const LINES: &str = "application/x-ndjson";

/// What all requests share.
pub(super) struct Door {
    pub(super) admission: Admission,
    pub(super) producer: Producer,
    pub(super) counters: Arc<Counters>,
    pub(super) description: Bytes,
    pub(super) max_body: usize,
    pub(super) timeout: Duration,
    /// Cancelled when no more may be taken.
    pub(super) stop: CancellationToken,
}

/// Where a path leads.
#[derive(Clone)]
enum Target {
    Route(Arc<Route>),
    Description,
    Nowhere,
}

/// What a path leads to, and through which door.
#[derive(Clone)]
struct Entrance {
    door: Arc<Door>,
    target: Target,
}

type Parameters = Result<Path<Vec<(String, String)>>, PathRejection>;

/// The paths of the routes, and of their description.
pub(super) fn router(door: &Arc<Door>, routes: impl IntoIterator<Item = Route>) -> Router {
    let entrance = |target| any(enter).with_state(Entrance { door: Arc::clone(door), target });
    let mut paths = Router::new().route(Ingress::DESCRIPTION, entrance(Target::Description));
    for route in routes {
        paths = paths.route(&pattern(&route), entrance(Target::Route(Arc::new(route))));
    }
    paths.fallback_service(entrance(Target::Nowhere))
}

/// The path with its parameters named by their place: one router must not name one place in two ways.
fn pattern(route: &Route) -> String {
    let segments = route.path.segments().iter().enumerate().map(|(place, segment)| match segment {
        Segment::Literal(literal) => format!("/{literal}"),
        Segment::Parameter(_) => format!("/{{{place}}}"),
    });
    segments.collect()
}

async fn enter(
    State(entrance): State<Entrance>,
    Extension(Peer(peer)): Extension<Peer>,
    parameters: Parameters,
    request: Request,
) -> Response<Body> {
    let Entrance { door, target } = entrance;
    let (head, body) = request.into_parts();
    let (method, client) = (method_name(&head.method), peer.ip().to_string());
    let route = target.path();
    let fields = RequestFields { method, route, path: head.uri.path(), client: &client };
    let span = RequestSpan::receive(&trace_headers(&head.headers), &fields);
    let answering = async {
        door.admission.admit(&head.headers, peer.ip())?;
        match &target {
            Target::Route(route) => post(&door, route, parameters, &head, body).await,
            Target::Description => describe(&door, &head.method),
            Target::Nowhere => Err(Problem::new(Code::NotFound, "there is no such path; see /openapi.json")),
        }
    };
    let response = span.wrap(answering).await.unwrap_or_else(|problem| refuse(&problem, &target));
    let status = response.status();
    span.responded(status.as_u16());
    door.counters.answered(status);
    debug!(method, route, status = status.as_u16(), %client, "request answered");
    response
}

async fn post(
    door: &Door,
    route: &Route,
    parameters: Parameters,
    head: &Parts,
    body: Body,
) -> Result<Response<Body>, Problem> {
    if head.method != Method::POST {
        return Err(Problem::new(Code::MethodNotAllowed, "events are posted"));
    }
    let has_many = has_many(route, &head.headers)?;
    let Ok(Path(parameters)) = parameters else {
        return Err(Problem::new(Code::BadField, "the path is not UTF-8"));
    };
    let values = parameters.into_iter().map(|(_, value)| value).collect();
    let mould = Mould::new(route, values, &head.headers)?;
    if has_many { many::take(door, &mould, body).await } else { one::take(door, &mould, body).await }
}

/// Whether the body has an event in every line.
fn has_many(route: &Route, headers: &HeaderMap) -> Result<bool, Problem> {
    let unsupported = |detail: String| Problem::new(Code::UnsupportedContent, detail);
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(unsupported("bodies are taken as they are, not compressed".to_owned()));
    }
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match &route.content {
        Content::Any => Ok(false),
        Content::Json(_) if essence == LINES => Ok(true),
        Content::Json(taken) | Content::Opaque(taken) if essence == *taken => Ok(false),
        Content::Json(taken) => Err(unsupported(format!("this route takes `{taken}` and `{LINES}`"))),
        Content::Opaque(taken) => Err(unsupported(format!("this route takes `{taken}`"))),
    }
}

fn describe(door: &Door, method: &Method) -> Result<Response<Body>, Problem> {
    if *method != Method::GET && *method != Method::HEAD {
        return Err(Problem::new(Code::MethodNotAllowed, "the description is read with GET"));
    }
    let mut response = Response::new(Body::from(door.description.clone()));
    let json = HeaderValue::from_static(Content::JSON);
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

fn refuse(problem: &Problem, target: &Target) -> Response<Body> {
    let mut response = problem.respond();
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = HeaderValue::from_static(target.methods());
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

/// What is read of a trace. One that is there twice is none; a `tracestate` may come in parts (W3C Trace Context).
fn trace_headers(headers: &HeaderMap) -> Headers {
    let mut found = Headers::new();
    for name in ["traceparent", "tracestate", "baggage"] {
        let values: Vec<&str> =
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        let is_single = name != "traceparent" || values.len() == 1;
        if !values.is_empty() && is_single {
            found.append(name, values.join(","));
        }
    }
    found
}

fn method_name(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    known.into_iter().find(|name| method == name).unwrap_or("_OTHER")
}

impl Target {
    fn path(&self) -> Option<&str> {
        match self {
            Self::Route(route) => Some(route.path.as_str()),
            Self::Description => Some(Ingress::DESCRIPTION),
            Self::Nowhere => None,
        }
    }

    fn methods(&self) -> &'static str {
        match self {
            Self::Route(_) => "POST",
            Self::Description | Self::Nowhere => "GET, HEAD",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::topology::RoutePath;

    fn paths() -> impl Strategy<Value = Vec<String>> {
        let segment = prop_oneof!["[ab]", "\\{[ab]\\}"];
        let path =
            prop::collection::vec(segment, 1..4).prop_map(|segments| format!("/{}", segments.join("/")));
        prop::collection::vec(path, 1..8)
    }

    fn route(path: RoutePath) -> Route {
        Route {
            name: "placed".parse().expect("a name"),
            path,
            subject: "orders.placed".parse().expect("a subject"),
            fields: std::collections::BTreeMap::new(),
            id: None,
            content: Content::Any,
        }
    }

    proptest! {
        /// The router panics on paths that it cannot tell apart.
        #[test]
        fn whatever_does_not_overlap_can_be_routed(paths in paths()) {
            let mut apart: Vec<RoutePath> = Vec::new();
            for path in paths.iter().filter_map(|path| path.parse::<RoutePath>().ok()) {
                if !apart.iter().any(|other| other.overlaps(&path)) {
                    apart.push(path);
                }
            }

            let mut router: Router = Router::new();
            for path in apart {
                router = router.route(&pattern(&route(path)), axum::routing::any(async || ()));
            }
        }
    }

    #[test]
    fn a_trace_that_is_there_twice_is_none() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let of = |values: &[(&'static str, &'static str)]| {
            let headers = values
                .iter()
                .map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value)));
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                let _: bool = map.append::<axum::http::HeaderName>(name, value);
            }
            trace_headers(&map)
        };

        assert_eq!(of(&[("traceparent", parent)]).get("traceparent"), Some(parent));
        assert_eq!(of(&[("traceparent", parent), ("traceparent", parent)]).get("traceparent"), None);
        assert_eq!(of(&[("tracestate", "a=1"), ("tracestate", "b=2")]).get("tracestate"), Some("a=1,b=2"));
    }
}
