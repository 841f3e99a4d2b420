//! The connection: no secrets in URLs, one way to authenticate.

use std::path::PathBuf;

use crate::topology::model::{Nats, Secret, Server, Tls};
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::{Located, NatsTable, TlsTable};

const SCHEMES: [&str; 5] = ["nats", "tls", "ws", "wss", "nats+tls"];

pub(super) fn nats(table: Option<&NatsTable>, report: &mut Report) -> Nats {
    let Some(table) = table else {
        return Nats::default();
    };
    check_authentication(table, report);
    Nats {
        server: table.url.as_ref().map_or(Server::Unspecified, |url| server(url, report)),
        credentials: path(table.credentials.as_ref()),
        user: table.user.as_ref().map(|user| user.value.clone()),
        password: table.password.as_ref().map(|password| Secret::new(password.value.as_str())),
        token: table.token.as_ref().map(|token| Secret::new(token.value.as_str())),
        nkey_seed: path(table.nkey_seed.as_ref()),
        tls: table.tls.as_ref().map_or_else(Tls::default, |table| tls(table, report)),
    }
}

fn server(url: &Located<String>, report: &mut Report) -> Server {
    if url.value == "embedded" {
        return Server::Embedded;
    }
    let addresses = url.value.split(',').map(str::trim);
    for address in addresses {
        let (scheme, rest) = address.split_once("://").unwrap_or(("nats", address));
        let authority = rest.split(['/', '?']).next().unwrap_or(rest);
        let (secret, host) = match authority.rsplit_once('@') {
            Some((secret, host)) => (Some(secret), host),
            None => (None, authority),
        };
        if let Some(secret) = secret {
            hide(secret, url, report);
            report
                .add(Rule::SecretInUrl, &url.span, "the URL contains a user, password or token")
                .consequence("URLs are shown in logs, traces and process lists, and this file is in version control")
                .cure("leave `user:password@` out; write `user` and `password = \"${NATS_PASSWORD}\"` under `[nats]`, or use `credentials`");
        }
        if !SCHEMES.contains(&scheme)
            || host.is_empty()
            || host.starts_with(':')
            || host.contains(char::is_whitespace)
        {
            report
                .add(Rule::BadUrl, &url.span, "this is no URL of a NATS server")
                .consequence("there would be nothing to connect to")
                .cure("write `nats://host:4222` or `tls://host:4222`, several separated by commas, or `embedded`");
        }
    }
    Server::Url(url.value.clone())
}

fn check_authentication(table: &NatsTable, report: &mut Report) {
    let ways = [
        ("credentials", table.credentials.as_ref()),
        ("user", table.user.as_ref().or(table.password.as_ref())),
        ("token", table.token.as_ref()),
        ("nkey_seed", table.nkey_seed.as_ref()),
    ];
    let mut given = ways.into_iter().filter_map(|(key, entry)| Some((key, entry?)));
    if let (Some((first, first_entry)), Some((second, second_entry))) = (given.next(), given.next()) {
        report
            .add(
                Rule::ConflictingCredentials,
                &second_entry.span,
                format!("`{second}` is given besides `{first}`"),
            )
            .consequence(
                "only one of them would be used, and the server might refuse or know us as somebody else",
            )
            .cure(format!("keep either `{first}` or `{second}`"))
            .related(&first_entry.span, "the other one");
    }
    if report.is_complete("nats") {
        pair(("user", table.user.as_ref()), ("password", table.password.as_ref()), report);
    }
}

/// A secret that stands in the file itself is not shown in the piece of the file either.
fn hide(secret: &str, url: &Located<String>, report: &mut Report) {
    if let Some(offset) = report.written(&url.span).find(secret) {
        let start = url.span.start + offset;
        report.hide(&(start..start + secret.len()));
    }
}

fn tls(table: &TlsTable, report: &mut Report) -> Tls {
    if report.is_complete("nats.tls") {
        pair(("certificate", table.certificate.as_ref()), ("key", table.key.as_ref()), report);
    }
    Tls {
        ca: path(table.ca.as_ref()),
        certificate: path(table.certificate.as_ref()),
        key: path(table.key.as_ref()),
        required: table.required.as_ref().is_some_and(|required| required.value),
    }
}

fn pair(
    left: (&str, Option<&Located<String>>),
    right: (&str, Option<&Located<String>>),
    report: &mut Report,
) {
    let ((given, entry), missing) = match (left.1, right.1) {
        (Some(entry), None) => ((left.0, entry), right.0),
        (None, Some(entry)) => ((right.0, entry), left.0),
        (Some(_), Some(_)) | (None, None) => return,
    };
    report
        .add(Rule::IncompleteCredentials, &entry.span, format!("`{given}` is given without `{missing}`"))
        .consequence("the server would refuse the connection")
        .cure(format!("add `{missing}`"));
}

fn path(entry: Option<&Located<String>>) -> Option<PathBuf> {
    entry.map(|written| PathBuf::from(&written.value))
}
