//! `tidegate plan`: how the server differs from the topology.

pub(super) mod view;

use std::collections::BTreeSet;

use clap::Args;

use self::view::View;
use super::args::{Format, Global};
use super::connection::NatsArguments;
use super::exit::Exit;
use super::failure::Failure;
use super::handlers::Handlers;
use super::{logging, output};
use crate::engine::system;
use crate::nats::{Connection, Drift, ProvisionError, names};
use crate::registry::Registry;
use crate::topology::{ActorName, Topology};

/// What `tidegate plan` understands.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What the output looks like.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    nats: NatsArguments,
}

/// A topology, its server, and how they differ.
pub(super) struct Compared {
    pub(super) topology: Topology,
    pub(super) connection: Connection,
    pub(super) drift: Drift,
    /// Which actors keep state; `None` when their handlers are not linked into this program.
    pub(super) stateful: Option<BTreeSet<ActorName>>,
}

/// Compares the server with the topology. Changes nothing.
pub(super) fn plan(global: &Global, arguments: &Arguments, registry: &Registry) -> Result<Exit, Failure> {
    system::block_on(async {
        let telemetry = logging::start_quietly(global)?;
        let done = Box::pin(look(global, arguments, registry)).await;
        logging::stop(telemetry).await;
        done
    })?
}

async fn look(global: &Global, arguments: &Arguments, registry: &Registry) -> Result<Exit, Failure> {
    let compared = Compared::of(global, &arguments.nats, registry).await?;
    let view = View::of(&compared);
    match arguments.format {
        Format::Text => output::text(&view.render())?,
        Format::Json => output::json(&view)?,
    }
    Ok(if compared.drift.is_none() { Exit::Done } else { Exit::Different })
}

impl Compared {
    pub(super) async fn of(
        global: &Global,
        nats: &NatsArguments,
        registry: &Registry,
    ) -> Result<Self, Failure> {
        let topology = global.load()?.topology;
        let connection = nats.connect(&topology.nats, &names::client(&topology.name)).await?;
        // Without all handlers, or with settings that only the place knows where it runs, nobody can tell.
        let stateful = Handlers::construct(&topology, registry).ok().map(|handlers| handlers.stateful());
        let drift = Drift::of(&connection, &topology, stateful.as_ref()).await?;
        Ok(Self { topology, connection, drift, stateful })
    }
}

impl From<ProvisionError> for Failure {
    fn from(error: ProvisionError) -> Self {
        let cure = error.cure();
        Self::new(Exit::Nats, error).cured_by(cure)
    }
}
