//! What is known of a collector, so that its troubles are told once and not with every export.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a collector that comes and goes is worth a line.
const BETWEEN_REPORTS: Duration = Duration::from_mins(1);

/// What is known of the collector.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failing: Option<Failing>,
    reported: Option<Instant>,
}

#[derive(Debug)]
struct Failing {
    lost: usize,
    is_reported: bool,
}

/// What is worth a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// Exports have begun to fail.
    Failing,
    /// They succeed again, after so much was lost.
    Recovered { lost: usize },
}

impl Health {
    /// An export of so many things succeeded or failed.
    pub(super) fn observe(&self, exported: usize, succeeded: bool) -> Option<Report> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.observe(exported, succeeded, Instant::now())
    }
}

impl State {
    fn observe(&mut self, exported: usize, succeeded: bool, now: Instant) -> Option<Report> {
        if succeeded {
            let Failing { lost, is_reported } = self.failing.take()?;
            return is_reported.then_some(Report::Recovered { lost });
        }
        let failing = self.failing.get_or_insert(Failing { lost: 0, is_reported: false });
        failing.lost += exported;
        let is_due = self.reported.is_none_or(|reported| now.duration_since(reported) >= BETWEEN_REPORTS);
        if failing.is_reported || !is_due {
            return None;
        }
        failing.is_reported = true;
        self.reported = Some(now);
        Some(Report::Failing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_that_is_down_is_reported_once_and_again_when_it_is_back() {
        let mut state = State::default();
        let now = Instant::now();

        let reports = [false, false, false, true, true].map(|succeeded| state.observe(10, succeeded, now));

        assert_eq!(reports, [Some(Report::Failing), None, None, Some(Report::Recovered { lost: 30 }), None]);
    }

    #[test]
    fn a_collector_that_comes_and_goes_is_reported_once_a_minute() {
        let mut state = State::default();
        let start = Instant::now();

        let reports = (0..240)
            .filter_map(|second| state.observe(1, second % 2 == 1, start + Duration::from_secs(second)))
            .filter(|report| *report == Report::Failing)
            .count();

        assert_eq!(reports, 4);
    }
}
