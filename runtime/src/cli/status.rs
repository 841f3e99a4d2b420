//! `tidegate status`: who shares the work of a topology, who has which shard, and what is wrong with that.

mod actor;
mod age;
mod evidence;
mod findings;
mod picture;
mod stream;
mod text;
pub(super) mod top;

use clap::Args;

use self::evidence::Evidence;
use self::picture::Picture;
use super::args::{Format, Global};
use super::connection::NatsArguments;
use super::exit::Exit;
use super::failure::Failure;
use super::{logging, output};
use crate::engine::system;
use crate::nats::{Backlog, Connection, names};
use crate::port::{FlowsError, MembersError, SourceError};
use crate::topology::Topology;

/// What `tidegate status` understands.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What the output looks like.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    nats: NatsArguments,
}

/// Shows how the work is shared.
pub(super) fn status(global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    system::block_on(async {
        let telemetry = logging::start_quietly(global)?;
        let done = Box::pin(look(global, arguments)).await;
        logging::stop(telemetry).await;
        done
    })?
}

async fn look(global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    let topology = global.load()?.topology;
    let connection = arguments.nats.connect(&topology.nats, &names::client(&topology.name)).await?;
    let picture = Picture::of(&Evidence::gather(&topology, &connection).await?);
    match arguments.format {
        Format::Text => output::text(&text::render(&picture))?,
        Format::Json => output::json(&picture)?,
    }
    Ok(Exit::Done)
}

/// How the work is shared, in short.
#[derive(Debug)]
pub(super) struct Sharing {
    /// Whether anybody works.
    pub(super) is_working: bool,
    /// The instances with their versions.
    pub(super) instances: Vec<(String, String)>,
    /// What is wrong.
    pub(super) findings: Vec<String>,
    /// The shards, and what they have left to do; `None` without a consumer.
    pub(super) shards: Vec<(String, Option<Backlog>)>,
}

/// Asks the server how the work of a topology is shared.
pub(super) async fn sharing(topology: &Topology, connection: &Connection) -> Result<Sharing, Failure> {
    let evidence = Evidence::gather(topology, connection).await?;
    let picture = Picture::of(&evidence);
    let shards = evidence.consumers.iter().map(|one| (one.shard.to_string(), one.backlog)).collect();
    Ok(Sharing {
        is_working: picture.instances.iter().any(|instance| !instance.is_silent),
        instances: picture.instances.into_iter().map(|instance| (instance.id, instance.version)).collect(),
        findings: picture.findings,
        shards,
    })
}

impl From<MembersError> for Failure {
    fn from(error: MembersError) -> Self {
        Self::new(Exit::Nats, error)
            .cured_by("see whether the server is up, and whether our user may read the bucket")
    }
}

impl From<FlowsError> for Failure {
    fn from(error: FlowsError) -> Self {
        Self::new(Exit::Nats, error)
            .cured_by("see whether the server is up, and whether our user may read the bucket")
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::new(Exit::Nats, error)
            .cured_by("see whether the server is up, and whether our user may ask about consumers")
    }
}

#[cfg(test)]
mod tests;
