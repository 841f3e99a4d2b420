//! Who may look and who may change something.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Response, header};
use axum::middleware::Next;

use super::server::Core;
use crate::http::{Code, Guard, Problem};

/// Who may come in here.
#[derive(Debug)]
pub(super) struct Access {
    guard: Guard,
    /// Whether nobody but this machine reaches us.
    is_loopback: bool,
}

impl Access {
    pub(super) fn new(guard: Guard, is_loopback: bool) -> Self {
        Self { guard, is_loopback }
    }

    /// Whether who sends these headers may look: everybody on this machine, elsewhere who has a token.
    ///
    /// # Errors
    /// When not.
    pub(super) fn may_look(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if !self.is_loopback {
            return self.guard.check(headers).map(drop);
        }
        Guard::new(None).check(headers)?;
        check_host(headers)
    }

    /// The name of the token by which who sends these headers may change something.
    ///
    /// # Errors
    /// When he may not.
    pub(super) fn may_change(&self, headers: &HeaderMap) -> Result<Arc<str>, Problem> {
        let nobody = || {
            let cure = "nobody may change anything here: add `tokens = \"admin.tokens\"` under [admin], or use \
                        `tidegate actors`";
            Problem::new(Code::Forbidden, cure)
        };
        self.guard.check(headers).and_then(|name| name.ok_or_else(nobody))
    }
}

/// Lets requests through that may look.
pub(super) async fn look(State(core): State<Arc<Core>>, request: Request, next: Next) -> Response<Body> {
    match core.access.may_look(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.respond(),
    }
}

/// A page whose name was made to resolve to our address could read what we answer: it is asked for by that name.
fn check_host(headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    match host {
        Some(host) if !is_plain(host.host()) => Err(Problem::new(
            Code::FromWebPage,
            "ask for this by its address or as `localhost`, not by another name",
        )),
        _ => Ok(()),
    }
}

fn is_plain(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn look(access: &Access, name: HeaderName, value: &'static str) -> Result<(), Code> {
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        access.may_look(&headers).map_err(|problem| problem.code)
    }

    #[test]
    fn on_this_machine_all_but_web_pages_may_look() {
        let access = Access::new(Guard::new(None), true);

        for host in ["127.0.0.1:9464", "localhost:9464", "LOCALHOST", "[::1]:9464", ""] {
            assert_eq!(look(&access, header::HOST, host), Ok(()), "{host}");
        }
        for host in ["evil.example:9464", "localhost.evil.example"] {
            assert_eq!(look(&access, header::HOST, host), Err(Code::FromWebPage), "{host}");
        }
        assert_eq!(look(&access, header::ORIGIN, "http://evil.example"), Err(Code::FromWebPage));
    }

    #[test]
    fn without_tokens_nobody_may_change_anything() {
        let access = Access::new(Guard::new(None), true);

        let refused = access.may_change(&HeaderMap::new()).expect_err("there are no tokens");

        assert_eq!(refused.code, Code::Forbidden);
        assert!(refused.detail.contains("[admin]"), "{refused:?}");
    }

    #[test]
    fn from_elsewhere_only_who_has_a_token_may_look() {
        let (_sender, receiver) = tokio::sync::watch::channel(Arc::default());
        let access = Access::new(Guard::new(Some(receiver)), false);

        assert_eq!(look(&access, header::HOST, "127.0.0.1"), Err(Code::Unauthenticated));
    }
}
