//! `tidegate dead-letters replay`: each dead letter goes back to where its message came from, once.
//!
//! The message is published and its PubAck awaited before its dead letter is removed, so that nothing is lost whatever
//! happens in between. Whoever replays again after a crash there publishes under the same `Nats-Msg-Id`, which the
//! stream does not store twice within its duplicate window.

mod again;

use std::io;

use clap::Args;
use futures_util::future::ready;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::chosen::{Choice, Chosen};
use super::letter::Letter;
use super::{Common, Format, Office};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::nats::{ArchiveError, Publisher};
use crate::port::BoxFuture;
use again::{Again, ReplayError};

/// How many replays are under way at a time.
const WINDOW: usize = 32;

/// What `tidegate dead-letters replay` understands.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    choice: Choice,
    /// Tells what would be replayed, and does nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    pub(super) common: Common,
}

/// What became of one dead letter.
#[derive(Debug, Serialize)]
struct Replayed {
    dead_letter: u64,
    subject: Option<String>,
    /// How often the message has been replayed, this time included.
    replay: Option<u32>,
    error: Option<String>,
}

impl Arguments {
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.choice.check("replay")
    }
}

/// Replays the dead letters that are meant, in their order.
pub(super) async fn replay(office: &Office, arguments: &Arguments) -> Result<Exit, Failure> {
    let publisher = Publisher::new(office.connection.clone());
    let chosen = Chosen::of(office, &arguments.choice).await?;
    let letters =
        stream::unfold(chosen, async |mut chosen| chosen.next().await.map(|letter| (letter, chosen)));
    let sent = letters.then(async |letter| {
        Ok(one(office, &publisher, letter?, arguments).await.map(Ok::<_, ArchiveError>))
    });
    let mut sent = std::pin::pin!(sent.try_buffered(WINDOW));
    let mut replayed = Vec::new();
    while let Some(outcome) = sent.try_next().await? {
        replayed.push(outcome);
    }
    print(&replayed, arguments)?;
    let is_complete = replayed.iter().all(|replayed| replayed.error.is_none());
    Ok(if is_complete { Exit::Done } else { Exit::Failed })
}

/// Sends one, and returns what waits until it is done. Where there is none, only its number is known.
async fn one<'a>(
    office: &'a Office,
    publisher: &Publisher,
    letter: Result<Letter, u64>,
    arguments: &Arguments,
) -> BoxFuture<'a, Replayed> {
    let (dead_letter, again) = match letter {
        Ok(letter) => (letter.entry.dead_letter, Again::new(&office.topology, letter)),
        Err(dead_letter) => (dead_letter, Err(ReplayError::Absent)),
    };
    let again = match again {
        Ok(again) => again,
        Err(error) => {
            let error = Some(error.to_string());
            return ready(Replayed { dead_letter, subject: None, replay: None, error }).boxed();
        }
    };
    let replayed = Replayed {
        dead_letter,
        subject: Some(again.subject.clone()),
        replay: Some(again.count),
        error: None,
    };
    if arguments.dry_run {
        return ready(replayed).boxed();
    }
    let sent = again.send(office, publisher).await;
    sent.map(move |result| Replayed { error: result.err().map(|error| error.to_string()), ..replayed })
        .boxed()
}

fn print(replayed: &[Replayed], arguments: &Arguments) -> io::Result<()> {
    if arguments.common.format == Format::Json {
        return output::json(&replayed);
    }
    let mut lines: Vec<String> = replayed.iter().map(|replayed| line(replayed, arguments.dry_run)).collect();
    let failed = replayed.iter().filter(|replayed| replayed.error.is_some()).count();
    let verb = if arguments.dry_run { "to be replayed" } else { "replayed" };
    lines.push(format!("{verb} {}, failed {failed}", replayed.len() - failed));
    output::text(&lines.join("\n"))
}

fn line(Replayed { dead_letter, subject, replay, error }: &Replayed, dry_run: bool) -> String {
    let subject = subject.as_deref().unwrap_or_default();
    match (error, replay.unwrap_or_default()) {
        (Some(error), _) => format!("dead letter {dead_letter}: {error}"),
        (None, replay) if dry_run => {
            format!("dead letter {dead_letter} would go to {subject}, replay {replay}")
        }
        (None, replay) => format!("dead letter {dead_letter} went to {subject}, replay {replay}"),
    }
}
