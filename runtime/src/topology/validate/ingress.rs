//! The HTTP door: who reaches it, and what bounds it.

mod routes;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{StreamDraft, values};
use crate::topology::model::Ingress;
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::{Count, IngressTable, Located, Size, Span};

/// The most connections: each is a socket, and may hold a whole event.
const MOST_CONNECTIONS: usize = 65_536;

/// The largest message that a NATS server can be made to take.
const LARGEST_BODY: usize = 64 << 20;

/// The door as written, unless something in it is broken.
pub(super) fn ingress(
    table: &IngressTable,
    streams: &[StreamDraft<'_>],
    report: &mut Report,
) -> Option<Ingress> {
    let listen = match &table.listen {
        Some(written) => address(written, report),
        None => Some(Ingress::LISTEN),
    };
    if let Some((listen, written)) = listen.zip(table.listen.as_ref()) {
        check_open_to_all(listen, &written.span, table, report);
    }
    let timeout = values::duration(
        table.timeout.as_ref(),
        "timeout",
        Duration::from_millis(100),
        "no client would be fast enough",
        report,
    );
    let routes = routes::routes(table, streams, report);
    if table.routes.is_empty() && report.is_complete("ingress.routes") && report.is_complete("ingress") {
        report
            .add(Rule::NoRoutes, &table_span(table), "the ingress has no routes")
            .consequence("it listens, and answers every request with 404")
            .cure("add `[ingress.routes.<name>]` with `path` and `subject`, or remove `[ingress]`");
    }
    Some(Ingress {
        listen: listen?,
        tokens: table.tokens.as_ref().map(|tokens| PathBuf::from(&tokens.value)),
        max_body: max_body(table.max_body.as_ref(), report),
        max_connections: values::positive(
            table.max_connections.as_ref(),
            "max_connections",
            Ingress::MAX_CONNECTIONS,
            MOST_CONNECTIONS,
            report,
        ),
        timeout: timeout.unwrap_or(Ingress::TIMEOUT),
        rate: table
            .rate
            .as_ref()
            .map(|rate| values::positive(Some(rate), "rate", u32::MAX, u32::MAX, report)),
        routes,
    })
}

fn address(written: &Located<String>, report: &mut Report) -> Option<SocketAddr> {
    match written.value.parse() {
        Ok(address) => Some(address),
        Err(_) => {
            report
                .add(Rule::BadListen, &written.span, format!("`{}` is no address and port", written.value.escape_debug()))
                .consequence("there would be nothing to listen on")
                .cure("write `127.0.0.1:8080` or `[::1]:8080`; `0.0.0.0:8080` is open to all that reach this machine");
            None
        }
    }
}

fn check_open_to_all(listen: SocketAddr, span: &Span, table: &IngressTable, report: &mut Report) {
    if listen.ip().is_loopback() || table.tokens.is_some() || !report.is_complete("ingress.tokens") {
        return;
    }
    report
        .add(
            Rule::OpenToAll,
            span,
            format!("`{listen}` is not only for this machine, and there are no `tokens`"),
        )
        .consequence("whoever reaches it could publish to the topology's streams, and fill them")
        .cure("add `tokens = \"ingress.tokens\"`, or listen on `127.0.0.1` and put a proxy before it");
}

fn max_body(entry: Option<&Located<Size>>, report: &mut Report) -> usize {
    let Some(written) = entry else { return Ingress::MAX_BODY };
    if written.value.0 == 0 {
        report
            .add(Rule::ZeroBound, &written.span, "`max_body` is 0")
            .consequence("no event would ever be taken")
            .cure("write the size of the largest event, or leave it out for 1 MiB");
    }
    let count = written.map(|size| Count(size.0));
    values::count(Some(&count), "max_body", Ingress::MAX_BODY, LARGEST_BODY, report)
}

/// The first thing that is written in the table: the table itself has no place.
fn table_span(table: &IngressTable) -> Span {
    let spans = [
        table.listen.as_ref().map(|entry| &entry.span),
        table.tokens.as_ref().map(|entry| &entry.span),
        table.max_body.as_ref().map(|entry| &entry.span),
        table.max_connections.as_ref().map(|entry| &entry.span),
        table.timeout.as_ref().map(|entry| &entry.span),
        table.rate.as_ref().map(|entry| &entry.span),
    ];
    spans.into_iter().flatten().min_by_key(|span| span.start).cloned().unwrap_or(0..0)
}
