//! `tidegate dead-letters`: lists, groups, shows, replays, exports and removes messages that could not be handled.

mod chosen;
mod export;
mod filter;
mod fingerprint;
mod groups;
mod letter;
mod list;
mod purge;
mod replay;
mod show;

use clap::{Args, Subcommand};

use super::args::{Format, Global};
use super::connection::NatsArguments;
use super::exit::Exit;
use super::failure::Failure;
use super::logging;
use crate::engine::system;
use crate::nats::{Archive, ArchiveError, Connection, names};
use crate::topology::Topology;

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists them, oldest first.
    List(list::Arguments),
    /// Tells how many died of what, and since when: of one actor, reason and error, whatever its numbers and ids.
    Groups(groups::Arguments),
    /// Shows one with its payload, its headers and what was tried.
    Show(show::Arguments),
    /// Publishes messages again to where they came from, and removes their dead letters.
    ///
    /// All actors that consume the subject get the message, not only the one that could not handle it.
    Replay(replay::Arguments),
    /// Writes them as lines of JSON, with all that a replay needs.
    Export(export::Arguments),
    /// Removes them for good.
    Purge(purge::Arguments),
}

/// What all of them understand.
#[derive(Debug, Args)]
struct Common {
    /// What the output looks like.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    nats: NatsArguments,
}

/// The dead letters of a topology.
struct Office {
    topology: Topology,
    connection: Connection,
    archive: Archive,
}

/// Does it.
pub(super) fn dead_letters(global: &Global, command: &Command) -> Result<Exit, Failure> {
    system::block_on(async {
        let telemetry = logging::start_quietly(global)?;
        let done = Box::pin(perform(global, command)).await;
        logging::stop(telemetry).await;
        done
    })?
}

async fn perform(global: &Global, command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List(arguments) => {
            list::list(&Office::open(global, &arguments.common.nats).await?, arguments).await
        }
        Command::Groups(arguments) => {
            groups::groups(&Office::open(global, &arguments.common.nats).await?, arguments).await
        }
        Command::Show(arguments) => {
            show::show(&Office::open(global, &arguments.common.nats).await?, arguments).await
        }
        Command::Replay(arguments) => {
            arguments.check()?;
            replay::replay(&Office::open(global, &arguments.common.nats).await?, arguments).await
        }
        Command::Export(arguments) => {
            export::export(&Office::open(global, &arguments.nats).await?, arguments).await
        }
        Command::Purge(arguments) => {
            arguments.check()?;
            purge::purge(&Office::open(global, &arguments.common.nats).await?, arguments).await
        }
    }
}

impl Office {
    async fn open(global: &Global, nats: &NatsArguments) -> Result<Self, Failure> {
        let topology = global.load()?.topology;
        let connection = nats.connect(&topology.nats, &names::client(&topology.name)).await?;
        let archive = Archive::open(connection.clone(), &names::dead_letter_stream(&topology)).await?;
        Ok(Self { topology, connection, archive })
    }
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        let cure = match &error {
            ArchiveError::Missing { .. } => {
                "`tidegate run` creates it; see also whether this is the right server"
            }
            _ => "see whether the server is up, and whether our user may read the stream",
        };
        Self::new(Exit::Nats, error).cured_by(cure)
    }
}
