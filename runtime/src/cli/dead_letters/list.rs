//! `tidegate dead-letters list`.

use clap::Args;

use super::filter::Filter;
use super::letter::Entry;
use super::{Common, Format, Office};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::table::Table;

/// What `tidegate dead-letters list` understands.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Lists the dead letters that are meant.
pub(super) async fn list(office: &Office, arguments: &Arguments) -> Result<Exit, Failure> {
    let mut selection = arguments.filter.select(office).await?;
    let mut entries = Vec::new();
    while let Some(letter) = selection.next().await? {
        entries.push(letter.entry);
    }
    match arguments.common.format {
        Format::Text if entries.is_empty() => output::text("no dead letters")?,
        Format::Text => output::text(&table(&entries).render())?,
        Format::Json => output::json(&entries)?,
    }
    Ok(Exit::Done)
}

fn table(entries: &[Entry]) -> Table<8> {
    let mut table =
        Table::new(["DEAD LETTER", "DIED", "ACTOR", "REASON", "TRIES", "KEY", "SUBJECT", "ERROR"]);
    for Entry { dead_letter, epitaph } in entries {
        table.add([
            &dead_letter.to_string(),
            &epitaph.died,
            &epitaph.actor,
            &epitaph.reason,
            &epitaph.attempts.to_string(),
            &epitaph.key,
            &epitaph.subject,
            &epitaph.error,
        ]);
    }
    table
}
