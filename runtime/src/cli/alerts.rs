//! `tidegate alerts`: what is raised, and rules that raise the same in Prometheus.

mod list;
mod rules;

use clap::Subcommand;

use super::args::Global;
use super::exit::Exit;
use super::failure::Failure;
use super::logging;
use crate::engine::system;

/// What to do with alerts.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists the alerts that the instances have raised.
    List(Box<list::Arguments>),
    /// Writes a Prometheus rule file with the thresholds of the topology.
    Rules,
}

/// Does it.
pub(super) fn alerts(global: &Global, command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Rules => rules::rules(global),
        Command::List(arguments) => system::block_on(async {
            let telemetry = logging::start_quietly(global)?;
            let done = Box::pin(list::list(global, arguments)).await;
            logging::stop(telemetry).await;
            done
        })?,
    }
}
