//! The dead letters to replay: by number, or by filter.

use super::Arguments;
use crate::cli::dead_letters::Office;
use crate::cli::dead_letters::filter::Selection;
use crate::cli::dead_letters::letter::Letter;
use crate::nats::ArchiveError;

/// The dead letters to replay, in their order.
pub(super) enum Chosen<'a> {
    Numbers(&'a Office, std::slice::Iter<'a, u64>),
    Selection(Box<Selection<'a>>),
}

impl<'a> Chosen<'a> {
    pub(super) async fn of(office: &'a Office, arguments: &'a Arguments) -> Result<Self, ArchiveError> {
        if !arguments.sequences.is_empty() {
            return Ok(Self::Numbers(office, arguments.sequences.iter()));
        }
        Ok(Self::Selection(Box::new(arguments.filter.select(office).await?)))
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
