//! `tidegate apply`: creates what the server lacks, edits what can be edited without harm, deletes what is named.

use clap::Args;
use serde::Serialize;

use super::args::{Format, Global};
use super::connection::NatsArguments;
use super::exit::Exit;
use super::failure::Failure;
use super::plan::Compared;
use super::{logging, output};
use crate::engine::system;
use crate::nats::{Amended, Orphan};
use crate::registry::Registry;

/// What `tidegate apply` understands.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Deletes this orphan, named as `plan` names it; can be repeated. Nothing else is ever deleted.
    #[arg(long, value_name = "NAME", requires = "yes")]
    delete: Vec<String>,
    /// Confirms that what is named by `--delete` shall be gone, with all that is in it.
    #[arg(long)]
    yes: bool,
    /// What the output looks like.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    nats: NatsArguments,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Report<'a> {
    created: &'a [String],
    edited: &'a [String],
    deleted: &'a [String],
    failed: Vec<Failed<'a>>,
    /// How many differences there still are.
    left: usize,
}

#[derive(Debug, Serialize)]
struct Failed<'a> {
    what: &'a str,
    error: String,
    cure: &'static str,
}

/// Brings the server to what the topology says.
pub(super) fn apply(global: &Global, arguments: &Arguments, registry: &Registry) -> Result<Exit, Failure> {
    system::block_on(async {
        let telemetry = logging::start_quietly(global)?;
        let done = Box::pin(bring_together(global, arguments, registry)).await;
        logging::stop(telemetry).await;
        done
    })?
}

async fn bring_together(
    global: &Global,
    arguments: &Arguments,
    registry: &Registry,
) -> Result<Exit, Failure> {
    let before = Compared::of(global, &arguments.nats, registry).await?;
    let doomed = doomed(&arguments.delete, &before.drift.orphans)?;
    let mut amended = match before.drift.obstacle() {
        None => before.drift.amend(&before.connection).await,
        // Orphans may be what is in the way.
        Some(_) if !doomed.is_empty() => Amended::default(),
        Some(obstacle) => {
            let failure = Failure::new(Exit::Different, format!("nothing was changed: {obstacle}"));
            return Err(failure.cured_by(
                "see `tidegate plan`; how to change the number of shards is told in `docs/topology.md`",
            ));
        }
    };
    for orphan in doomed {
        match orphan.delete(&before.connection).await {
            Ok(()) => amended.deleted.push(orphan.to_string()),
            Err(error) => amended.failed.push((orphan.to_string(), error)),
        }
    }
    let after = Compared::of(global, &arguments.nats, registry).await?;
    let left = after.drift.kept.len() + after.drift.edits.len() + after.drift.missing().len();
    let report = Report::of(&amended, left);
    match arguments.format {
        Format::Text => output::text(&report.render())?,
        Format::Json => output::json(&report)?,
    }
    Ok(match (amended.failed.is_empty(), left) {
        (false, _) => Exit::Failed,
        (true, 0) => Exit::Done,
        (true, _) => Exit::Different,
    })
}

/// The orphans of these names; all are there, or nothing is done.
fn doomed<'a>(names: &[String], orphans: &'a [Orphan]) -> Result<Vec<&'a Orphan>, Failure> {
    let find = |name: &String| {
        orphans.iter().find(|orphan| orphan.name == *name).ok_or_else(|| {
            let known: Vec<String> = orphans.iter().map(|orphan| format!("`{}`", orphan.name)).collect();
            let failure = Failure::new(Exit::Usage, format!("nothing was changed: `{name}` is no orphan"));
            failure.cured_by(match known.as_slice() {
                [] => "there are no orphans; `tidegate apply` deletes nothing else".to_owned(),
                known => format!("the orphans are {}", known.join(", ")),
            })
        })
    };
    names.iter().map(find).collect()
}

impl<'a> Report<'a> {
    fn of(amended: &'a Amended, left: usize) -> Self {
        let Amended { created, edited, deleted, failed } = amended;
        let failed = failed.iter().map(|(what, error)| {
            let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
            let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
            Failed { what, error: text, cure: error.cure() }
        });
        Self { created, edited, deleted, failed: failed.collect(), left }
    }

    fn render(&self) -> String {
        let told = |verb: &'static str, all: &[String]| -> Vec<String> {
            all.iter().map(|what| format!("{verb} {what}")).collect()
        };
        let mut lines = told("created", self.created);
        lines.extend(told("edited", self.edited));
        lines.extend(told("deleted", self.deleted));
        lines.extend(
            self.failed
                .iter()
                .map(|failed| format!("failed {}: {}; {}", failed.what, failed.error, failed.cure)),
        );
        if lines.is_empty() {
            lines.push("nothing was changed".to_owned());
        }
        if self.left > 0 {
            lines.push(format!("{} differences are left, see `tidegate plan`", self.left));
        }
        lines.join("\n")
    }
}
