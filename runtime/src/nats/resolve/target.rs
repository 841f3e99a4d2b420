//! Reads the URLs of servers.

use std::io;

use async_nats::ServerAddr;
use percent_encoding::percent_decode_str;

use super::{Auth, Target};
use crate::nats::ConnectOptions;
use crate::topology::Secret;

/// The servers of `urls`, and the user or token that stands in the first of them: async-nats takes it from there no
/// more, and it must not appear in logs.
pub(super) fn target(urls: &str) -> io::Result<(Target, Auth)> {
    if urls == ConnectOptions::EMBEDDED {
        return Ok((Target::Embedded, Auth::Anonymous));
    }
    let mut auth = Auth::Anonymous;
    let mut servers = Vec::new();
    for url in urls.split(',') {
        let address: ServerAddr = url.trim().parse()?;
        if !matches!(address.scheme(), "nats" | "tls") {
            let scheme = address.scheme();
            return Err(io::Error::other(format!(
                "`{scheme}://` is not supported, use `nats://` or `tls://`"
            )));
        }
        if auth == Auth::Anonymous {
            auth = user_of(&address);
        }
        let mut url = address.into_inner();
        if url.set_username("").and_then(|()| url.set_password(None)).is_err() {
            return Err(io::Error::other("it has no host"));
        }
        servers.push(ServerAddr::from_url(url)?);
    }
    Ok((Target::Servers(servers), auth))
}

fn user_of(address: &ServerAddr) -> Auth {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    match (address.username(), address.password()) {
        (Some(user), Some(password)) => Auth::User(decode(user), Secret::new(decode(password))),
        (Some(token), None) => Auth::Token(Secret::new(decode(token))),
        (None, _) => Auth::Anonymous,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_url_is_used_and_hidden() {
        let (target, auth) = target("nats://u:gate%40way@one:1,two:2").expect("the urls are valid");

        assert_eq!(auth, Auth::User("u".to_owned(), Secret::new("gate@way")));
        assert_eq!(target.to_string(), "nats://one:1,nats://two:2");
        assert!(!format!("{target:?}{auth:?}").contains("gate"), "{target:?}{auth:?}");
    }

    #[test]
    fn a_user_without_a_password_is_a_token() {
        let (_, auth) = target("tls://s3cret@one").expect("the url is valid");

        assert_eq!(auth, Auth::Token(Secret::new("s3cret")));
    }

    #[test]
    fn refuses_what_is_no_url_of_a_server() {
        for url in ["http://x", "ws://x", "nats://", "nats://x:port", "nats://one,", ""] {
            assert!(target(url).is_err(), "{url}");
        }
    }
}
