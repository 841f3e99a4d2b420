//! `tidegate dead-letters show`.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::letter::{Entry, Letter};
use super::{Common, Format, Office};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::table::{Table, shown};
use crate::message::dead_letter::Epitaph;
use crate::message::timestamp;

/// What `tidegate dead-letters show` understands.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The dead letter's number, as `list` tells it.
    #[arg(value_name = "DEAD LETTER")]
    sequence: u64,
    #[command(flatten)]
    pub(super) common: Common,
}

/// All that is known about a dead letter, for programs.
#[derive(Debug, Serialize)]
struct View<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    headers: Vec<(&'a str, &'a str)>,
    /// The payload as JSON, else as text, else `{"base64": …}`.
    payload: Value,
}

/// Shows one dead letter.
pub(super) async fn show(office: &Office, arguments: &Arguments) -> Result<Exit, Failure> {
    let sequence = arguments.sequence;
    let Some(letter) = office.archive.fetch(sequence).await?.and_then(Letter::read) else {
        let failure = Failure::new(Exit::Failed, format!("there is no dead letter {sequence}"));
        return Err(
            failure.cured_by("`tidegate dead-letters list` tells which there are; those replayed are gone")
        );
    };
    match arguments.common.format {
        Format::Text => output::text(&text(&letter))?,
        Format::Json => output::json(&view(&letter))?,
    }
    Ok(Exit::Done)
}

fn view(letter: &Letter) -> View<'_> {
    let payload =
        serde_json::from_slice(&letter.payload).unwrap_or_else(|_| match str::from_utf8(&letter.payload) {
            Ok(text) => text.into(),
            Err(_) => json!({ "base64": STANDARD.encode(&letter.payload) }),
        });
    View { entry: &letter.entry, headers: letter.headers.iter().collect(), payload }
}

fn text(letter: &Letter) -> String {
    let Entry { dead_letter, epitaph } = &letter.entry;
    let mut text = format!("Dead letter {dead_letter}\n{}", indented(&facts(epitaph)));
    let mut section = |title: &str, body: &str| {
        write!(text, "\n{title}\n{}", indented(body)).expect("a string takes all that is written to it");
    };
    section("Failed attempts that the runtime saw", &history(epitaph));
    let headers: Vec<String> =
        letter.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    section("Headers", &headers.join("\n"));
    section(&format!("Payload, {} bytes", letter.payload.len()), &payload(&letter.payload));
    text
}

fn facts(epitaph: &Epitaph) -> String {
    let place = format!("{}, message {} of {}", epitaph.subject, epitaph.sequence, epitaph.stream);
    let facts = [
        ("Actor", epitaph.actor.as_str()),
        ("Reason", &epitaph.reason),
        ("Error", &epitaph.error),
        ("Subject", &place),
        ("Key", &epitaph.key),
        ("Tries", &epitaph.attempts.to_string()),
        ("Published", &epitaph.published),
        ("First failed", &epitaph.first_failed),
        ("Died", &epitaph.died),
        ("Trace", epitaph.trace_id.as_deref().unwrap_or_default()),
        ("Runtime", &epitaph.version),
    ];
    let known = facts.iter().filter(|(_, value)| !value.is_empty());
    known.map(|(name, value)| format!("{name:<12}  {value}")).collect::<Vec<_>>().join("\n")
}

fn history(epitaph: &Epitaph) -> String {
    let mut table = Table::new(["TRY", "STARTED", "CAUSE", "ERROR"]);
    for failure in &epitaph.history {
        let (number, error) = (failure.attempt.to_string(), failure.errors.join(": "));
        table.add([&number, &timestamp::format(failure.started), failure.cause.as_str(), &error]);
    }
    if epitaph.history.is_empty() { String::new() } else { table.render() }
}

fn payload(payload: &[u8]) -> String {
    match serde_json::from_slice::<Value>(payload) {
        Ok(value) => format!("{value:#}"),
        Err(_) => match str::from_utf8(payload) {
            Ok(text) => text.to_owned(),
            Err(_) => format!("base64: {}", STANDARD.encode(payload)),
        },
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = shown(text).lines().map(|line| format!("  {line}\n")).collect();
    if lines.is_empty() { "  none\n".to_owned() } else { lines.concat() }
}
