//! The HTTP ingress: opened by `tidegate run`, described by `tidegate ingress`.

use std::net::SocketAddr;

use clap::{Args, Subcommand};
use tidegate_producer::Producer;

use super::args::Global;
use super::connection::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::output;
use crate::ingress::{Bound, Ingress, Settings, describe};
use crate::nats::{Connection, names};
use crate::telemetry::metric;
use crate::topology::{self, Topology};

/// Events of one ingress that may be on their way, unless there may be more connections.
const WINDOW: usize = 256;

/// The ingress on the command line of `tidegate run`.
#[derive(Debug, Args)]
pub(super) struct IngressArguments {
    /// Where the ingress of the topology listens, in place of its `listen`; port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS", env = "TIDEGATE_INGRESS")]
    ingress: Option<SocketAddr>,
}

/// What `tidegate ingress` understands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Prints the OpenAPI document of the routes.
    Openapi,
}

/// Describes the ingress of the topology.
pub(super) fn ingress(global: &Global, command: &Command) -> Result<Exit, Failure> {
    let topology = global.load()?.topology;
    let ingress = topology.ingress.as_ref().ok_or_else(|| no_ingress(&topology))?;
    match command {
        Command::Openapi => output::text(describe(topology.name.as_str(), ingress).trim_end())?,
    }
    Ok(Exit::Done)
}

impl IngressArguments {
    /// Takes the address of the ingress that the topology describes, if it does.
    pub(super) async fn bind(&self, topology: &Topology) -> Result<Option<Bound>, Failure> {
        let Some(ingress) = &topology.ingress else {
            return if self.ingress.is_some() { Err(no_ingress(topology)) } else { Ok(None) };
        };
        let listen = self.ingress.unwrap_or(ingress.listen);
        let ingress = topology::Ingress { listen, ..ingress.clone() };
        let settings = Settings { ingress, title: topology.name.to_string() };
        Ok(Some(Ingress::bind(settings).await?))
    }
}

/// Opens the ingress over a connection of its own: what is posted must not stand before acks and signs of life.
pub(super) async fn open(
    bound: Bound,
    topology: &Topology,
    session: &Session,
) -> Result<(Ingress, Connection), Failure> {
    let limits = bound.limits();
    let connection = session.another(&names::client(&topology.name)).await?;
    let producer = Producer::builder(connection.client().clone())
        .topology(topology.name.as_str())
        .window(WINDOW.max(limits.max_connections))
        .patience(limits.timeout);
    let producer = producer.connect().await.map_err(|error| Failure::new(Exit::Failed, error))?;
    let ingress = bound.open(producer);
    metric::observe(ingress.observe());
    Ok((ingress, connection))
}

fn no_ingress(topology: &Topology) -> Failure {
    Failure::new(Exit::Usage, format!("the topology `{}` has no ingress", topology.name))
        .cured_by("add `[ingress]` with a route; `docs/ingress.md` shows one")
}
