//! Which dead letters are meant.

use std::time::{Duration, SystemTime};

use clap::Args;
use tidegate::subject::Pattern;

use super::Office;
use super::fingerprint::Fingerprint;
use super::letter::Letter;
use crate::message::Reason;
use crate::nats::{ArchiveError, Reader, names};

/// Which dead letters are meant; all that is said must hold.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which dead letters")]
pub(super) struct Filter {
    /// Those of this actor.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Those that died of this: failed, terminal, undecodable, keyless, exhausted.
    #[arg(long, value_parser = reason)]
    reason: Option<Reason>,
    /// Those of this group, as `groups` tells them.
    #[arg(long, value_name = "ID")]
    group: Option<String>,
    /// Those of this entity.
    #[arg(long)]
    key: Option<String>,
    /// Those published to subjects like this, such as `orders.*.placed`.
    #[arg(long, value_name = "PATTERN")]
    subject: Option<Pattern>,
    /// Those that died since then: `2h`, or `2026-11-21T21:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<SystemTime>,
    /// The first so many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// The dead letters that are meant, oldest first.
pub(super) struct Selection<'a> {
    filter: &'a Filter,
    reader: Reader,
    left: usize,
}

impl Filter {
    /// Whether it says nothing, so that all dead letters are meant.
    pub(super) fn is_empty(&self) -> bool {
        let Self { actor, reason, group, key, subject, since, limit } = self;
        actor.is_none()
            && reason.is_none()
            && group.is_none()
            && key.is_none()
            && subject.is_none()
            && since.is_none()
            && limit.is_none()
    }

    /// Starts to read the dead letters that are meant.
    pub(super) async fn select(&self, office: &Office) -> Result<Selection<'_>, ArchiveError> {
        let subjects = names::dead_letter_subjects(&office.topology.name);
        let reader = office.archive.read(&subjects, 1).await?;
        Ok(Selection { filter: self, reader, left: self.limit.unwrap_or(usize::MAX) })
    }

    fn means(&self, letter: &Letter) -> bool {
        let epitaph = &letter.entry.epitaph;
        self.actor.as_ref().is_none_or(|actor| epitaph.actor == *actor)
            && self.reason.is_none_or(|reason| epitaph.reason == reason.as_str())
            && self.group.as_ref().is_none_or(|group| Fingerprint::of(epitaph).id == *group)
            && self.key.as_ref().is_none_or(|key| epitaph.key == *key)
            && self.subject.as_ref().is_none_or(|pattern| pattern.matches(&epitaph.subject))
            && self.since.is_none_or(|since| letter.written >= since)
    }
}

impl Selection<'_> {
    /// The next one that is meant.
    pub(super) async fn next(&mut self) -> Result<Option<Letter>, ArchiveError> {
        if self.left == 0 {
            return Ok(None);
        }
        while let Some(letter) = Letter::next(&mut self.reader).await? {
            if self.filter.means(&letter) {
                self.left -= 1;
                return Ok(Some(letter));
            }
        }
        Ok(None)
    }
}

fn reason(text: &str) -> Result<Reason, String> {
    let known = || Reason::ALL.map(Reason::as_str).join(", ");
    let found = Reason::ALL.into_iter().find(|reason| reason.as_str() == text);
    found.ok_or_else(|| format!("the reasons are {}", known()))
}

/// A point in time, or how long ago it was.
fn moment(text: &str) -> Result<SystemTime, String> {
    if let Ok(moment) = humantime::parse_rfc3339_weak(text) {
        return Ok(moment);
    }
    let ago: Duration = humantime::parse_duration(text).map_err(|_| {
        "neither a duration such as `2h` nor a time such as `2026-11-21T21:00:00Z`".to_owned()
    })?;
    SystemTime::now().checked_sub(ago).ok_or_else(|| "longer ago than there is time".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time_or_an_age() {
        let time = moment("2026-11-21T21:00:00Z").expect("a time");
        let age = moment("2h").expect("an age").elapsed().expect("in the past");

        assert_eq!(humantime::format_rfc3339(time).to_string(), "2026-11-21T21:00:00Z");
        assert!(age >= Duration::from_hours(2) && age < Duration::from_hours(3));
        assert!(moment("yesterday").is_err());
    }

    #[test]
    fn reasons_are_those_of_the_headers() {
        assert_eq!(reason("exhausted"), Ok(Reason::Exhausted));
        assert_eq!(
            reason("gone"),
            Err("the reasons are failed, terminal, undecodable, keyless, exhausted".to_owned())
        );
    }
}
