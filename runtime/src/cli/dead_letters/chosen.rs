//! Dead letters that are to be worked on: by number, by filter, or all.

use clap::Args;

use super::Office;
use super::filter::{Filter, Selection};
use super::letter::Letter;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::nats::ArchiveError;

/// Which dead letters are to be worked on; nobody means all of them by forgetting to say which.
#[derive(Debug, Args)]
pub(super) struct Choice {
    /// The dead letters' numbers, as `list` tells them.
    #[arg(value_name = "DEAD LETTER", conflicts_with_all = ["Filter", "all"])]
    sequences: Vec<u64>,
    /// All there are.
    #[arg(long, conflicts_with = "Filter")]
    all: bool,
    #[command(flatten)]
    filter: Filter,
}

/// The dead letters that were chosen, in their order.
pub(super) enum Chosen<'a> {
    Numbers(&'a Office, std::slice::Iter<'a, u64>),
    Selection(Box<Selection<'a>>),
}

impl Choice {
    /// Fails when nothing is said; what shall be done to them is called `verb`.
    pub(super) fn check(&self, verb: &str) -> Result<(), Failure> {
        if self.all || !self.sequences.is_empty() || !self.filter.is_empty() {
            return Ok(());
        }
        let failure = Failure::new(Exit::Usage, format!("it is not said which dead letters to {verb}"));
        Err(failure.cured_by("name them by number, by a filter such as `--actor`, or by `--all`"))
    }
}

impl<'a> Chosen<'a> {
    pub(super) async fn of(office: &'a Office, choice: &'a Choice) -> Result<Self, ArchiveError> {
        if !choice.sequences.is_empty() {
            return Ok(Self::Numbers(office, choice.sequences.iter()));
        }
        Ok(Self::Selection(Box::new(choice.filter.select(office).await?)))
    }

    /// The next one; its number alone where there is none of that number.
    pub(super) async fn next(&mut self) -> Option<Result<Result<Letter, u64>, ArchiveError>> {
        match self {
            Self::Numbers(office, numbers) => {
                let number = *numbers.next()?;
                let fetched = office.archive.fetch(number).await;
                Some(fetched.map(|message| message.and_then(Letter::read).ok_or(number)))
            }
            Self::Selection(selection) => selection.next().await.transpose().map(|letter| letter.map(Ok)),
        }
    }
}
