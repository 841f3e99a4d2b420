//! The endpoint for operators: an address that can be listened on, and not by everybody.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::topology::model::Admin;
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::{AdminTable, Located};

/// Where it listens, nowhere unless told, and who may change something.
pub(super) fn admin(table: Option<&AdminTable>, report: &mut Report) -> Admin {
    let Some(table) = table else { return Admin::default() };
    let listen = table.listen.as_ref().and_then(|written| address(written, report));
    if let Some((listen, written)) = listen.zip(table.listen.as_ref()) {
        check_open_to_all(listen, written, table, report);
    }
    Admin { listen, tokens: table.tokens.as_ref().map(|tokens| PathBuf::from(&tokens.value)) }
}

fn address(written: &Located<String>, report: &mut Report) -> Option<SocketAddr> {
    let address = written.value.parse();
    if address.is_err() {
        report
            .add(Rule::BadListen, &written.span, format!("`{}` is no address and port", written.value))
            .consequence("there would be no endpoint to get metrics from")
            .cure("write an IP address and a port, such as `127.0.0.1:9464`; `0.0.0.0:9464` listens on all interfaces");
    }
    address.ok()
}

fn check_open_to_all(listen: SocketAddr, written: &Located<String>, table: &AdminTable, report: &mut Report) {
    if listen.ip().is_loopback() || table.tokens.is_some() || !report.is_complete("admin.tokens") {
        return;
    }
    let message = format!("`{listen}` is not only for this machine, and there are no `tokens`");
    report
        .add(Rule::AdminOpenToAll, &written.span, message)
        .consequence("whoever reaches it could read which entities there are and what becomes of them")
        .cure("add `tokens = \"admin.tokens\"`, or listen on `127.0.0.1`");
}
