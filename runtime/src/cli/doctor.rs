//! `tidegate doctor`: looks at all that the topology stands on, and says what is wrong and what cures it.

mod checkup;
mod evidence;
mod streams;

#[cfg(test)]
mod tests;

use std::fmt::Write;

use clap::Args;
use serde::Serialize;

use self::checkup::{Finding, Level};
use self::evidence::Evidence;
use super::args::{Format, Global};
use super::connection::NatsArguments;
use super::exit::Exit;
use super::failure::Failure;
use super::table::shown;
use super::{logging, output};
use crate::engine::system;
use crate::registry::Registry;

/// What `tidegate doctor` understands.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Ends with the code for trouble for warnings, too.
    #[arg(long)]
    deny_warnings: bool,
    /// What the output looks like.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    nats: NatsArguments,
}

/// All findings, for programs.
#[derive(Debug, Serialize)]
struct Report<'a> {
    topology: &'a str,
    errors: usize,
    warnings: usize,
    findings: &'a [Finding],
}

/// Looks at everything.
pub(super) fn doctor(global: &Global, arguments: &Arguments, registry: &Registry) -> Result<Exit, Failure> {
    system::block_on(async {
        let telemetry = logging::start_quietly(global)?;
        let done = Box::pin(look(global, arguments, registry)).await;
        logging::stop(telemetry).await;
        done
    })?
}

async fn look(global: &Global, arguments: &Arguments, registry: &Registry) -> Result<Exit, Failure> {
    let evidence = Evidence::gather(global, &arguments.nats, registry).await?;
    let findings = checkup::of(&evidence);
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    match arguments.format {
        Format::Text => output::text(&render(&findings))?,
        Format::Json => {
            let topology = evidence.topology.as_str();
            output::json(&Report { topology, errors, warnings, findings: &findings })?;
        }
    }
    let is_trouble = errors > 0 || (arguments.deny_warnings && warnings > 0);
    Ok(if is_trouble { Exit::Different } else { Exit::Done })
}

/// A line for each finding, its cure below, and how many there are of each level.
fn render(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { level, about, what, cure } in findings {
        let what = shown(what).replace('\n', " ");
        writeln!(text, "{:<7}  {about:<12}  {what}", level.as_str())
            .expect("a string takes all that is written to it");
        if let Some(cure) = cure {
            writeln!(text, "{:23}→ {}", "", shown(cure)).expect("a string takes all that is written to it");
        }
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    writeln!(text, "errors {errors}, warnings {warnings}").expect("a string takes all that is written to it");
    text
}
