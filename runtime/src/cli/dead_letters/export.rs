//! `tidegate dead-letters export`: dead letters as lines of JSON, with all that a replay needs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde::Serialize;

use super::Office;
use super::filter::Filter;
use super::fingerprint::Fingerprint;
use super::letter::{Entry, Letter};
use crate::cli::connection::NatsArguments;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;

/// What `tidegate dead-letters export` understands.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    pub(super) nats: NatsArguments,
}

/// One line.
#[derive(Debug, Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    group: String,
    /// The headers that the message had when it was published.
    headers: Vec<(&'a str, &'a str)>,
    /// The payload, byte by byte.
    payload_base64: String,
}

/// Writes the dead letters that are meant, oldest first. Keeps none of them in memory.
pub(super) async fn export(office: &Office, arguments: &Arguments) -> Result<Exit, Failure> {
    let mut selection = arguments.filter.select(office).await?;
    while let Some(letter) = selection.next().await? {
        output::text(&line(&letter))?;
    }
    Ok(Exit::Done)
}

fn line(letter: &Letter) -> String {
    let line = Line {
        entry: &letter.entry,
        group: Fingerprint::of(&letter.entry.epitaph).id,
        headers: letter.headers.iter().collect(),
        payload_base64: STANDARD.encode(&letter.payload),
    };
    serde_json::to_string(&line).expect("its keys are strings")
}
