//! The endpoint for operators: an address that can be listened on.

use std::net::SocketAddr;

use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::AdminTable;

/// Where it listens; nowhere unless told.
pub(super) fn admin(table: Option<&AdminTable>, report: &mut Report) -> Option<SocketAddr> {
    let listen = table?.listen.as_ref()?;
    let address = listen.value.parse();
    if address.is_err() {
        report
            .add(Rule::BadListen, &listen.span, format!("`{}` is no address and port", listen.value))
            .consequence("there would be no endpoint to get metrics from")
            .cure("write an IP address and a port, such as `127.0.0.1:9464`; `0.0.0.0:9464` listens on all interfaces");
    }
    address.ok()
}
