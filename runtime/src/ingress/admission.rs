//! Who is let in: by token, or without tokens by where the request comes from, and no faster than the rate.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use tokio::sync::watch;

use super::problem::{Code, Problem};
use super::rate::{Client, Rate};
use super::tokens::Tokens;

/// Lets requests in.
#[derive(Debug)]
pub(super) struct Admission {
    /// `None` when everybody who reaches us is let in.
    tokens: Option<watch::Receiver<Arc<Tokens>>>,
    rate: Option<Rate>,
}

impl Admission {
    pub(super) fn new(tokens: Option<watch::Receiver<Arc<Tokens>>>, rate: Option<u32>) -> Self {
        Self { tokens, rate: rate.map(Rate::new) }
    }

    /// Lets a request from `address` in, or says why not.
    pub(super) fn admit(&self, headers: &HeaderMap, address: IpAddr) -> Result<(), Problem> {
        let client = match &self.tokens {
            Some(tokens) => Client::Token(known(&tokens.borrow(), headers)?),
            None => {
                check_origin(headers)?;
                Client::address(address)
            }
        };
        let Some(rate) = &self.rate else { return Ok(()) };
        rate.take(client).map_err(|retry| {
            Problem::new(Code::TooManyRequests, "more requests a second than one client may send")
                .retry_after(retry)
        })
    }
}

fn known(tokens: &Tokens, headers: &HeaderMap) -> Result<Arc<str>, Problem> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(authorization), None) = (given.next(), given.next()) else {
        return Err(Problem::new(Code::Unauthenticated, "send `Authorization: Bearer` and a token"));
    };
    let unknown = || Problem::new(Code::Unauthenticated, "the token is not known here");
    let (scheme, token) = authorization.as_bytes().split_at_checked("Bearer ".len()).ok_or_else(unknown)?;
    if !scheme.eq_ignore_ascii_case(b"Bearer ") {
        return Err(unknown());
    }
    tokens.find(token.trim_ascii()).ok_or_else(unknown)
}

/// A page that somebody looks at on this machine could post here, and read the answer if its name is made to resolve
/// to our address. Browsers say so: every such request has an `Origin`.
fn check_origin(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(header::ORIGIN) {
        return Err(Problem::new(Code::FromWebPage, "web pages may post only with a token"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use axum::http::HeaderValue;

    use super::*;

    fn tokens() -> (watch::Sender<Arc<Tokens>>, Admission) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        // Of `hunter2`.
        let hash = "f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7";
        std::fs::write(file.path(), format!("shop:{hash}")).expect("a file");
        let load = |path: &Path| Arc::new(Tokens::load(path).expect("tokens"));
        let (sender, receiver) = watch::channel(load(file.path()));
        (sender, Admission::new(Some(receiver), Some(1)))
    }

    fn admit(admission: &Admission, name: &'static str, value: &'static str) -> Option<Code> {
        let headers =
            HeaderMap::from_iter([(name.parse().expect("a header's name"), HeaderValue::from_static(value))]);
        admission.admit(&headers, "127.0.0.1".parse().expect("an address")).err().map(|problem| problem.code)
    }

    #[test]
    fn only_a_known_token_is_let_in_and_no_faster_than_its_rate() {
        let (_sender, admission) = tokens();

        for (name, value) in [
            ("accept", "*/*"),
            ("authorization", "Bearer"),
            ("authorization", "Bearer "),
            ("authorization", "Bearer hunter3"),
            ("authorization", "Basic hunter2"),
            ("authorization", "hunter2"),
        ] {
            assert_eq!(admit(&admission, name, value), Some(Code::Unauthenticated), "{name}: {value}");
        }
        assert_eq!(admit(&admission, "authorization", "bearer hunter2"), None);
        assert_eq!(admit(&admission, "authorization", "Bearer hunter2"), Some(Code::TooManyRequests));
    }

    #[test]
    fn a_web_page_needs_a_token() {
        let admission = Admission::new(None, None);

        assert_eq!(admit(&admission, "origin", "http://127.0.0.1:8080"), Some(Code::FromWebPage));
        assert_eq!(admit(&admission, "accept", "*/*"), None);
    }
}
