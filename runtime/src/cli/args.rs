//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    actors, alerts, apply, build, check, completions, dead_letters, demo, doctor, exit, explain, graph,
    ingress, permissions, plan, publish, run, status, tap,
};
use crate::telemetry;
use crate::topology::{Checked, Rejected, load};

/// Runs a topology of handlers on NATS JetStream: in order per entity, in bounded memory, with a dead-letter stream
/// that tells why.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, after_help = exit::CODES, max_term_width = 110)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Checks the topology and tells all that is wrong with it.
    Check(check::Arguments),
    /// Explains a rule of the topology, or lists them all.
    Explain(explain::Arguments),
    /// Draws the topology: streams, actors, and what goes between them.
    Graph(graph::Arguments),
    /// Builds the program that has the topology's handlers linked in.
    Build(build::Arguments),
    /// Runs the topology until it is told to drain (SIGTERM, SIGINT); builds its program when needed.
    Run(run::Arguments),
    /// Prints the least that the users of the topology need of NATS.
    Permissions(permissions::Arguments),
    /// Tells how the server differs from the topology, and what is left over there. Changes nothing.
    Plan(plan::Arguments),
    /// Creates what the server lacks, edits what can be edited without harm, and deletes what is named.
    Apply(apply::Arguments),
    /// Looks at all that the topology stands on, and says what is wrong and what cures it.
    Doctor(doctor::Arguments),
    /// Shows which instances share the work, and who has which shard.
    Status(status::Arguments),
    /// Shows actors at work, live: what waits, lag, rates, and what holds them up.
    Top(status::top::Arguments),
    /// Follows an actor's messages as they end: done, to be tried again, dead-lettered.
    Tap(tap::Arguments),
    /// Pauses, resumes and drains actors in all instances, and shows what each may do.
    #[command(subcommand)]
    Actors(actors::Command),
    /// Lists the alerts that are raised, and writes Prometheus rules for the same thresholds.
    #[command(subcommand)]
    Alerts(alerts::Command),
    /// Runs the topology on a private nats-server, with known troubles, and checks the result.
    Demo(demo::Arguments),
    /// Publishes JSON lines to a stream, and awaits that they are stored.
    Publish(publish::Arguments),
    /// Lists, groups, shows, replays, exports and removes messages that could not be handled.
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// Describes the HTTP ingress of the topology.
    #[command(subcommand)]
    Ingress(ingress::Command),
    /// Prints the completions of a shell.
    Completions(completions::Arguments),
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub(super) struct Global {
    /// The topology file.
    #[arg(
        long,
        short,
        global = true,
        value_name = "FILE",
        default_value = "topology.toml",
        env = "TIDEGATE_TOPOLOGY"
    )]
    pub(super) topology: PathBuf,
    /// What log lines on standard error look like.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value_t,
        env = "TIDEGATE_LOG_FORMAT"
    )]
    pub(super) log_format: LogFormat,
    /// Which logs are written, such as `info` or `tidegate_runtime=debug`; `RUST_LOG` wins.
    #[arg(long, global = true, value_name = "FILTER")]
    pub(super) log: Option<String>,
}

/// What a listing looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// What log lines look like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl Global {
    /// Reads and checks the topology.
    pub(super) fn load(&self) -> Result<Checked, Rejected> {
        load(&self.topology, &|name| std::env::var(name).ok())
    }
}

impl From<LogFormat> for telemetry::LogFormat {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
