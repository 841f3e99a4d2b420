//! Who may come in: whoever has a token, and without tokens whoever is no web page.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use tokio::sync::watch;

use super::problem::{Code, Problem};
use super::tokens::Tokens;

/// Knows who may come in.
#[derive(Debug, Clone)]
pub(crate) struct Guard(Option<watch::Receiver<Arc<Tokens>>>);

impl Guard {
    /// Lets in who has one of these tokens; without tokens, everybody who reaches us and is no web page.
    pub(crate) fn new(tokens: Option<watch::Receiver<Arc<Tokens>>>) -> Self {
        Self(tokens)
    }

    /// The name of the token that a request brings, or `None` where none is needed.
    ///
    /// # Errors
    /// When it brings none that is known, or a web page sends it and there are no tokens.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<Option<Arc<str>>, Problem> {
        match &self.0 {
            Some(tokens) => known(&tokens.borrow(), headers).map(Some),
            None => check_origin(headers).map(|()| None),
        }
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

/// A page that somebody looks at on this machine could send requests here, and read the answer if its name is made to
/// resolve to our address. Browsers say so: every such request has an `Origin`.
fn check_origin(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(header::ORIGIN) {
        return Err(Problem::new(Code::FromWebPage, "web pages may do this only with a token"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use axum::http::HeaderValue;

    use super::*;

    fn with_tokens() -> (watch::Sender<Arc<Tokens>>, Guard) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        // Of `hunter2`.
        let hash = "f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7";
        std::fs::write(file.path(), format!("shop:{hash}")).expect("a file");
        let load = |path: &Path| Arc::new(Tokens::load(path).expect("tokens"));
        let (sender, receiver) = watch::channel(load(file.path()));
        (sender, Guard::new(Some(receiver)))
    }

    fn check(guard: &Guard, name: &'static str, value: &'static str) -> Result<Option<Arc<str>>, Code> {
        let headers =
            HeaderMap::from_iter([(name.parse().expect("a header's name"), HeaderValue::from_static(value))]);
        guard.check(&headers).map_err(|problem| problem.code)
    }

    #[test]
    fn only_a_known_token_is_let_in() {
        let (_sender, guard) = with_tokens();

        for (name, value) in [
            ("accept", "*/*"),
            ("authorization", "Bearer"),
            ("authorization", "Bearer "),
            ("authorization", "Bearer hunter3"),
            ("authorization", "Basic hunter2"),
            ("authorization", "hunter2"),
        ] {
            assert_eq!(check(&guard, name, value), Err(Code::Unauthenticated), "{name}: {value}");
        }
        assert_eq!(check(&guard, "authorization", "bearer hunter2"), Ok(Some("shop".into())));
    }

    #[test]
    fn a_web_page_needs_a_token() {
        let guard = Guard::new(None);

        assert_eq!(check(&guard, "origin", "http://127.0.0.1:8080"), Err(Code::FromWebPage));
        assert_eq!(check(&guard, "accept", "*/*"), Ok(None));
    }
}
