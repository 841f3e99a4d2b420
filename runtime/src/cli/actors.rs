//! `tidegate actors`: what actors may do, and how to say so, whether instances run or not.

mod list;
mod order;
mod settle;

use clap::{Args, Subcommand};

use super::args::{Format, Global};
use super::connection::NatsArguments;
use super::exit::Exit;
use super::failure::Failure;
use super::logging;
use crate::engine::system;
use crate::nats::{Connection, NatsControls, names};
use crate::port::ControlsError;
use crate::topology::Topology;

/// What to do with actors.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists them, with what each may do.
    List(list::Arguments),
    /// Stops an actor in all instances: it takes nothing in and begins no attempt. What runs ends, what is in hand
    /// waits, and costs no attempt.
    Pause(order::Pause),
    /// Lets an actor go on that was paused or drained, or has paused at its dead-letter limit.
    Resume(order::Resume),
    /// Stops the intake of an actor in all instances, and lets it finish what is in hand.
    Drain(order::Drain),
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

/// The actors of a topology.
struct Bridge {
    topology: Topology,
    connection: Connection,
    controls: NatsControls,
}

/// Does it.
pub(super) fn actors(global: &Global, command: &Command) -> Result<Exit, Failure> {
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
            list::list(&Bridge::open(global, &arguments.common).await?, arguments).await
        }
        Command::Pause(arguments) => order::pause(global, arguments).await,
        Command::Resume(arguments) => order::resume(global, arguments).await,
        Command::Drain(arguments) => order::drain(global, arguments).await,
    }
}

impl Bridge {
    async fn open(global: &Global, common: &Common) -> Result<Self, Failure> {
        let topology = global.load()?.topology;
        let connection = common.nats.connect(&topology.nats, &names::client(&topology.name)).await?;
        let controls = NatsControls::new(connection.clone(), &topology);
        Ok(Self { topology, connection, controls })
    }
}

impl From<ControlsError> for Failure {
    fn from(error: ControlsError) -> Self {
        let cure = match error {
            ControlsError::Conflict => "say it again; `tidegate actors list` shows what was said instead",
            _ => "see whether the server is up, and whether our user may read and write the bucket",
        };
        Self::new(Exit::Nats, error).cured_by(cure)
    }
}
