//! `tidegate dead-letters groups`: how many died of what, and since when.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use super::filter::Filter;
use super::fingerprint::Fingerprint;
use super::letter::Entry;
use super::{Common, Format, Office};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::table::Table;

/// What `tidegate dead-letters groups` understands.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Dead letters of one cause.
#[derive(Debug, Serialize)]
struct Group {
    /// What `--group` takes.
    #[serde(rename = "group")]
    id: String,
    actor: String,
    reason: String,
    /// The error, without what differs each time.
    error: String,
    count: u64,
    /// When the first one died, and the last.
    first: String,
    last: String,
    /// The number of the last one.
    example: u64,
}

/// Groups the dead letters that are meant, the largest group first.
pub(super) async fn groups(office: &Office, arguments: &Arguments) -> Result<Exit, Failure> {
    let mut selection = arguments.filter.select(office).await?;
    let mut groups = Groups::default();
    while let Some(letter) = selection.next().await? {
        groups.add(letter.entry);
    }
    let groups = groups.sorted();
    match arguments.common.format {
        Format::Text if groups.is_empty() => output::text("no dead letters")?,
        Format::Text => output::text(&table(&groups).render())?,
        Format::Json => output::json(&groups)?,
    }
    Ok(Exit::Done)
}

#[derive(Debug, Default)]
struct Groups(BTreeMap<String, Group>);

impl Groups {
    /// Dead letters come in their order.
    fn add(&mut self, entry: Entry) {
        let Entry { dead_letter, epitaph } = entry;
        let Fingerprint { id, error } = Fingerprint::of(&epitaph);
        let group = self.0.entry(id.clone()).or_insert_with(|| Group {
            id,
            actor: epitaph.actor,
            reason: epitaph.reason,
            error,
            count: 0,
            first: epitaph.died.clone(),
            last: String::new(),
            example: dead_letter,
        });
        group.count += 1;
        group.last = epitaph.died;
        group.example = dead_letter;
    }

    fn sorted(self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.0.into_values().collect();
        groups.sort_by(|one, other| other.count.cmp(&one.count).then(one.example.cmp(&other.example)));
        groups
    }
}

fn table(groups: &[Group]) -> Table<8> {
    let mut table = Table::new(["GROUP", "COUNT", "FIRST", "LAST", "EXAMPLE", "ACTOR", "REASON", "ERROR"]);
    for group in groups {
        table.add([
            &group.id,
            &group.count.to_string(),
            &group.first,
            &group.last,
            &group.example.to_string(),
            &group.actor,
            &group.reason,
            &group.error,
        ]);
    }
    table
}
