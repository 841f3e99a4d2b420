//! Whether it went as it should.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Run;
use super::sample::{Sample, mebibytes, rate};
use super::scene::{MARKS, WINDOW};

/// How long after the flood began the producer's rate counts as settled, in seconds.
const SETTLED: f64 = 20.0;

/// One requirement and what was measured.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    what: &'static str,
    measured: f64,
    bound: f64,
    is_met: bool,
}

/// All requirements.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Judgement(pub(super) Vec<Line>);

impl Judgement {
    pub(super) fn of(run: &Run, outcome: &BTreeMap<String, Vec<u64>>, admitted: u64) -> Self {
        let flood: Vec<&Sample> = between(run, run.flood + SETTLED, run.fast);
        let (first, last) = (flood[0], flood[flood.len() - 1]);
        let settled = rate(first, last, |sample| sample.admitted) / run.capacity;
        let busy = rate(first, last, |sample| sample.done) / run.capacity;
        let still = between(run, run.stopped + 5.0, run.resumed);
        let trickle = still.last().map_or(0, |last| last.admitted - still[0].admitted);
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let mut lines = vec![
            within("admitted in the flood, of the capacity, off by at most 10 %", settled, 0.9..=1.1),
            at_least("the last stage is busy, of its capacity", busy, 0.9),
            depth(&run.samples, "deepest stream, messages: high mark + window", MARKS.1 + WINDOW),
            at_most("back at full rate after the slow stage is fast, seconds", recovery(run), 3.0),
            at_most("admitted while the last stage stands, from 5 s on", trickle as f64, WINDOW as f64),
            growth(&run.samples),
        ];
        lines.extend(outcome_lines(outcome, admitted));
        Self(lines)
    }

    pub(super) fn is_well(&self) -> bool {
        self.0.iter().all(|line| line.is_met)
    }

    pub(super) fn print(&self) {
        for Line { what, measured, bound, is_met } in &self.0 {
            let verdict = if *is_met { "met" } else { "MISSED" };
            eprintln!("{verdict:<7} {what}: {measured:.2} (bound {bound})");
        }
    }
}

/// How long after the slow stage was made fast the producer was back at 90 % of the rate that it had while all stages
/// were fast, over a second.
fn recovery(run: &Run) -> f64 {
    let fast = between(run, run.fast, run.stopped);
    let before = between(run, run.flood / 2.0, run.flood);
    let full = rate(before[0], before[before.len() - 1], |it| it.admitted);
    let back = fast.windows(3).find(|three| rate(three[0], three[2], |it| it.admitted) >= 0.9 * full);
    back.map_or(f64::INFINITY, |three| three[0].at - run.fast)
}

/// How deep a stream was at most.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn depth(samples: &[Sample], what: &'static str, bound: u64) -> Line {
    let deepest = samples.iter().flat_map(|sample| sample.depths).max().unwrap_or(0);
    at_most(what, deepest as f64, bound as f64)
}

/// How much the instance grew once everything was at work.
pub(super) fn growth(samples: &[Sample]) -> Line {
    let warm: Vec<f64> = samples.iter().filter(|it| it.at >= 10.0).map(|it| mebibytes(it.memory)).collect();
    let most = warm.iter().copied().fold(0.0, f64::max);
    at_most("growth of memory from second 10 on, MiB", most - warm.first().unwrap_or(&0.0), 8.0)
}

/// Whether what was admitted came out, once and in order.
pub(super) fn outcome_lines(outcome: &BTreeMap<String, Vec<u64>>, admitted: u64) -> [Line; 3] {
    let came_out: usize = outcome.values().map(Vec::len).sum();
    let disordered =
        outcome.values().filter(|numbers| numbers.iter().zip(0..).any(|(got, want)| *got != want)).count();
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    [
        at_most("lost", admitted as f64 - came_out as f64, 0.0),
        at_most("repeated", came_out as f64 - admitted as f64, 0.0),
        at_most("entities out of order", disordered as f64, 0.0),
    ]
}

fn between(run: &Run, from: f64, until: f64) -> Vec<&Sample> {
    run.samples.iter().filter(|sample| sample.at >= from && sample.at < until).collect()
}

pub(super) fn at_most(what: &'static str, measured: f64, bound: f64) -> Line {
    Line { what, measured, bound, is_met: measured <= bound }
}

pub(super) fn at_least(what: &'static str, measured: f64, bound: f64) -> Line {
    Line { what, measured, bound, is_met: measured >= bound }
}

pub(super) fn within(what: &'static str, measured: f64, bounds: std::ops::RangeInclusive<f64>) -> Line {
    Line { what, measured, bound: 1.0, is_met: bounds.contains(&measured) }
}
