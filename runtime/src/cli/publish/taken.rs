//! The lines whose outcome is not known yet, in their order.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;

use tidegate_producer::{Event, PublishError};

use super::LineError;
use super::address::BadLine;
use super::lines::Line;

/// What was taken from the input and not reported.
#[derive(Debug, Default)]
pub(super) struct Taken(RefCell<State>);

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Pending>,
    /// The subject of the last event.
    subject: Option<String>,
    /// Why the input ended early.
    broken: Option<io::Error>,
}

#[derive(Debug)]
struct Pending {
    number: u64,
    bytes: u64,
    /// Why there is no event, for a line that is none.
    bad: Option<BadLine>,
}

/// What became of a line.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) number: u64,
    pub(super) bytes: u64,
    pub(super) result: Result<(), LineError>,
}

impl Taken {
    /// Takes a line, and gives the event that it is.
    pub(super) fn take(
        &self,
        line: io::Result<Line>,
        event: impl FnOnce(Line) -> Result<Event, BadLine>,
    ) -> Option<Event> {
        let mut state = self.0.borrow_mut();
        let line = line.map_err(|error| state.broken = Some(error)).ok()?;
        let (number, bytes) = (line.number, line.bytes);
        let (event, bad) = match event(line) {
            Ok(event) => (Some(event), None),
            Err(bad) => (None, Some(bad)),
        };
        state.lines.push_back(Pending { number, bytes, bad });
        if let Some(event) = &event {
            state.subject = Some(event.subject().to_owned());
        }
        event
    }

    /// Gives what became of the next event, and of the bad lines before it; only of the bad ones at the front when
    /// there is none.
    pub(super) fn give(&self, result: Option<Result<(), PublishError>>) -> Vec<Outcome> {
        let mut state = self.0.borrow_mut();
        let mut result = result.map(|result| result.map_err(LineError::from));
        let mut outcomes = Vec::new();
        while let Some(Pending { number, bytes, bad }) = state.lines.pop_front() {
            let (result, is_last) = match (bad, result.take()) {
                (Some(bad), later) => {
                    result = later;
                    (Err(bad.into()), false)
                }
                (None, Some(result)) => (result, true),
                (None, None) => {
                    state.lines.push_front(Pending { number, bytes, bad: None });
                    break;
                }
            };
            outcomes.push(Outcome { number, bytes, result });
            if is_last {
                break;
            }
        }
        outcomes
    }

    /// The subject of the last event.
    pub(super) fn subject(&self) -> Option<String> {
        self.0.borrow().subject.clone()
    }

    /// Why the input ended early, if it did.
    pub(super) fn broken(&self) -> Option<io::Error> {
        self.0.borrow_mut().broken.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(taken: &Taken, number: u64, is_good: bool) -> bool {
        let line = Line { number, bytes: 3, text: Ok(Vec::new()) };
        let event = taken.take(Ok(line), |_| match is_good {
            true => Ok(Event::new("tasks.1", "")),
            false => Err(BadLine::TooLong { limit: 1 }),
        });
        event.is_some()
    }

    fn give(taken: &Taken, result: Option<Result<(), PublishError>>) -> Vec<(u64, bool)> {
        taken.give(result).iter().map(|outcome| (outcome.number, outcome.result.is_ok())).collect()
    }

    #[test]
    fn bad_lines_keep_their_place_among_the_good() {
        let taken = Taken::default();

        let taken_as_events: Vec<bool> = [(1, true), (2, false), (3, true), (4, false)]
            .map(|(number, is)| take(&taken, number, is))
            .into();

        assert_eq!(taken_as_events, [true, false, true, false]);
        assert_eq!(give(&taken, Some(Ok(()))), [(1, true)]);
        assert_eq!(give(&taken, Some(Err(PublishError::Closed))), [(2, false), (3, false)]);
        assert_eq!(give(&taken, None), [(4, false)]);
        assert_eq!(taken.subject().as_deref(), Some("tasks.1"));
    }

    #[test]
    fn an_input_that_breaks_is_told() {
        let taken = Taken::default();

        let event = taken.take(Err(io::Error::other("gone")), |_| Ok(Event::new("tasks.1", "")));

        assert!(event.is_none());
        assert_eq!(taken.broken().map(|error| error.to_string()).as_deref(), Some("gone"));
    }
}
