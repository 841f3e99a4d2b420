//! The topology that these tests provide, and how.

use std::collections::BTreeSet;

use support::NatsServer;
use tidegate_runtime::nats::{
    ConnectOptions, Connection, Provision, ProvisionError, Provisioned, connect, provision, resolve,
};
use tidegate_runtime::topology::{ActorName, Nats, Stream, Topology, parse};

const SHOP: &str = r#"
name = "shop"

[handlers]
payments = { path = "handlers/payments" }
stock = { path = "handlers/stock" }

[streams.ORDERS]
subjects = ["orders.{order}.*"]
max_bytes = "64MiB"
max_age = "1d"

[actors.payments]
handler = "payments"
stream = "ORDERS"
subjects = ["orders.{order}.placed"]

[actors.stock]
handler = "stock"
stream = "ORDERS"
subjects = ["orders.{order}.paid", "orders.{order}.cancelled"]
"#;

pub(super) fn shop() -> Topology {
    parse("topology.toml", SHOP, &|_| None).expect("the topology is valid").topology
}

/// The same with several shards.
pub(super) fn split_shop(shards: u32) -> Topology {
    let text = SHOP.replace("max_age", &format!("shards = {shards}\nmax_age"));
    parse("topology.toml", &text, &|_| None).expect("the topology is valid").topology
}

pub(super) async fn connected(server: &NatsServer) -> Connection {
    let flags = ConnectOptions { url: Some(server.url()), ..ConnectOptions::default() };
    let resolved = resolve(&flags, &|_| None, &Nats::default()).expect("the url is valid");
    connect(&resolved, "tests").await.expect("a private server takes connections")
}

pub(super) async fn provisioned(
    connection: &Connection,
    topology: &Topology,
) -> Result<Provisioned, ProvisionError> {
    let stateful: BTreeSet<ActorName> =
        topology.actors.keys().filter(|name| name.as_str() == "stock").cloned().collect();
    provision(connection, topology, &Provision { stateful: &stateful }).await
}

/// The fields that differ, as `what.field`.
pub(super) fn different(result: Result<Provisioned, ProvisionError>) -> Vec<String> {
    match result {
        Err(ProvisionError::Different { differences }) => differences
            .iter()
            .map(|difference| format!("{}: {}", difference.what, difference.field))
            .collect(),
        other => panic!("expected differences, got {other:?}"),
    }
}

pub(super) fn stream_mut<'a>(topology: &'a mut Topology, name: &str) -> &'a mut Stream {
    topology.streams.get_mut(name).expect("the topology has the stream")
}
