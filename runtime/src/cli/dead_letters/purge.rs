//! `tidegate dead-letters purge`: removes dead letters for good.

use clap::Args;
use futures_util::{StreamExt, stream};
use serde::Serialize;

use super::chosen::{Choice, Chosen};
use super::{Common, Format, Office};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::nats::ArchiveError;

/// How many removals are under way at a time.
const WINDOW: usize = 32;

/// What `tidegate dead-letters purge` understands.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    choice: Choice,
    /// Confirms that they shall be gone. Without it they are only counted.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    pub(super) common: Common,
}

/// What was done.
#[derive(Debug, Default, Serialize)]
struct Report {
    purged: u64,
    /// Numbers of which there is no dead letter.
    absent: Vec<u64>,
    failed: Vec<Failed>,
}

#[derive(Debug, Serialize)]
struct Failed {
    dead_letter: u64,
    error: String,
}

impl Arguments {
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.choice.check("purge")
    }
}

/// Removes the dead letters that are chosen, if it is confirmed.
pub(super) async fn purge(office: &Office, arguments: &Arguments) -> Result<Exit, Failure> {
    let chosen = Chosen::of(office, &arguments.choice).await?;
    if !arguments.yes {
        let count = count(chosen).await?;
        let failure =
            Failure::new(Exit::Usage, format!("nothing was purged: it would be {count} dead letters"));
        return Err(failure.cured_by("add `--yes`; `tidegate dead-letters export` keeps a copy of them"));
    }
    let report = remove(office, chosen).await?;
    match arguments.common.format {
        Format::Text => output::text(&report.render())?,
        Format::Json => output::json(&report)?,
    }
    Ok(if report.absent.is_empty() && report.failed.is_empty() { Exit::Done } else { Exit::Failed })
}

async fn count(mut chosen: Chosen<'_>) -> Result<u64, ArchiveError> {
    let mut count = 0;
    while let Some(letter) = chosen.next().await {
        count += u64::from(letter?.is_ok());
    }
    Ok(count)
}

async fn remove(office: &Office, chosen: Chosen<'_>) -> Result<Report, ArchiveError> {
    let letters =
        stream::unfold(chosen, async |mut chosen| chosen.next().await.map(|letter| (letter, chosen)));
    let removed = letters.map(async |letter| {
        Ok::<_, ArchiveError>(match letter? {
            Ok(letter) => {
                let number = letter.entry.dead_letter;
                Ok((number, office.archive.remove(number).await))
            }
            Err(absent) => Err(absent),
        })
    });
    let mut removed = std::pin::pin!(removed.buffered(WINDOW));
    let mut report = Report::default();
    while let Some(outcome) = removed.next().await {
        match outcome? {
            Ok((_, Ok(()))) => report.purged += 1,
            Ok((dead_letter, Err(error))) => {
                report.failed.push(Failed { dead_letter, error: error.to_string() });
            }
            Err(absent) => report.absent.push(absent),
        }
    }
    Ok(report)
}

impl Report {
    fn render(&self) -> String {
        let absent =
            self.absent.iter().map(|number| format!("dead letter {number}: there is no such dead letter"));
        let failed =
            self.failed.iter().map(|failed| format!("dead letter {}: {}", failed.dead_letter, failed.error));
        let sum = format!("purged {}, failed {}", self.purged, self.absent.len() + self.failed.len());
        absent.chain(failed).chain([sum]).collect::<Vec<_>>().join("\n")
    }
}
