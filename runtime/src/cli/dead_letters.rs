//! `tidegate dead-letters`: lists, shows and replays messages that could not be handled.

mod filter;
mod letter;
mod list;
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
    /// Shows one with its payload, its headers and what was tried.
    Show(show::Arguments),
    /// Publishes messages again to where they came from, and removes their dead letters.
    ///
    /// All actors that consume the subject get the message, not only the one that could not handle it.
    Replay(replay::Arguments),
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
            list::list(&Office::open(global, &arguments.common).await?, arguments).await
        }
        Command::Show(arguments) => {
            show::show(&Office::open(global, &arguments.common).await?, arguments).await
        }
        Command::Replay(arguments) => {
            arguments.check()?;
            replay::replay(&Office::open(global, &arguments.common).await?, arguments).await
        }
    }
}

impl Office {
    async fn open(global: &Global, common: &Common) -> Result<Self, Failure> {
        let topology = global.load()?.topology;
        let connection = common.nats.connect(&topology.nats, &names::client(&topology.name)).await?;
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
