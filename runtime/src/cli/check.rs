//! `tidegate check`: tells all that is wrong with the topology.

use clap::Args;
use serde::Serialize;

use super::args::{Format, Global};
use super::exit::Exit;
use super::failure::Failure;
use super::output;
use crate::topology::{Checked, Finding, Severity, Style, Topology, render};

/// What `tidegate check` understands.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Rejects the topology for warnings, too.
    #[arg(long)]
    deny_warnings: bool,
    /// What the findings look like.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// All findings, for programs.
#[derive(Debug, Serialize)]
struct Report<'a> {
    file: String,
    errors: usize,
    warnings: usize,
    findings: &'a [Finding],
}

/// Checks the topology.
pub(super) fn check(global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    match (global.load(), arguments.format) {
        (Ok(Checked { topology, warnings }), Format::Text) => {
            output::text(&(render(&warnings, Style::of(&std::io::stdout())) + &summary(&topology)))?;
            Ok(accepted(arguments, &warnings))
        }
        (Ok(Checked { warnings, .. }), Format::Json) => {
            output::json(&report(global, &warnings))?;
            Ok(accepted(arguments, &warnings))
        }
        (Err(rejected), Format::Text) => Err(rejected.into()),
        (Err(rejected), Format::Json) => {
            output::json(&report(global, &rejected.findings))?;
            Ok(Exit::Rejected)
        }
    }
}

fn accepted(arguments: &Arguments, warnings: &[Finding]) -> Exit {
    if arguments.deny_warnings && !warnings.is_empty() { Exit::Rejected } else { Exit::Done }
}

fn report<'a>(global: &Global, findings: &'a [Finding]) -> Report<'a> {
    let errors = findings.iter().filter(|finding| finding.severity() == Severity::Error).count();
    Report {
        file: global.topology.display().to_string(),
        errors,
        warnings: findings.len() - errors,
        findings,
    }
}

fn summary(topology: &Topology) -> String {
    let (actors, streams) = (topology.actors.len(), topology.streams.len());
    let shards: u32 = topology.actors.values().map(|actor| actor.shards).sum();
    let split = if shards as usize > actors { format!(", shards {shards}") } else { String::new() };
    format!("{} is a valid topology: actors {actors}{split}, streams {streams}", topology.name)
}
