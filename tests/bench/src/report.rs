//! What came out: a table for people, JSON for programs.

use std::fmt;

use serde_json::{Value, json};

use crate::case::Case;
use crate::measure::{Measure, Run, median, values};
use crate::target::Verdict;

const IS_RELEASE: bool = !cfg!(debug_assertions);

/// The columns after rate and ratio, where there is something to show.
const COLUMNS: [Measure; 9] = [
    Measure::ClientMicros,
    Measure::ServerMicros,
    Measure::PeakMib,
    Measure::FirstMillis,
    Measure::GrowthMib,
    Measure::P50Millis,
    Measure::P99Millis,
    Measure::SpanPercent,
    Measure::CorePercent,
];

/// All cases.
#[derive(Debug)]
pub(crate) struct Report {
    runs: u32,
    server: String,
    load_before: String,
    cases: Vec<Played>,
}

/// One case.
#[derive(Debug)]
pub(crate) struct Played {
    name: &'static str,
    about: &'static str,
    entries: Vec<(String, Vec<Run>)>,
    /// What the rate of each entry is divided by: another entry, perhaps itself.
    yardsticks: Vec<String>,
    verdicts: Vec<Verdict>,
    errors: Vec<String>,
}

impl Report {
    /// An empty one, of so many runs on this version of nats-server.
    pub(crate) fn new(runs: u32, server: String) -> Self {
        // What else the machine does is the first thing to know about its numbers.
        let load_before = std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned();
        Self { runs, server, load_before, cases: Vec::new() }
    }

    pub(crate) fn add(&mut self, played: Played) {
        self.cases.push(played);
    }

    /// Whether any run failed.
    pub(crate) fn has_errors(&self) -> bool {
        self.cases.iter().any(|case| !case.errors.is_empty())
    }

    pub(crate) fn json(&self) -> String {
        let cases: Vec<Value> = self.cases.iter().map(Played::json).collect();
        let report = json!({
            "runs": self.runs,
            "nats_server": self.server,
            "cores": cores(),
            "load_before": self.load_before,
            "is_release": IS_RELEASE,
            "cases": cases,
        });
        format!("{report:#}\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, load_before, .. } = self;
        write!(f, "nats-server {server}, {} cores, load {load_before}", cores())?;
        match IS_RELEASE {
            true => Ok(()),
            false => write!(f, "; a debug build, whose numbers say little"),
        }
    }
}

impl Played {
    pub(crate) fn new(case: &Case, entries: Vec<(String, Vec<Run>)>, errors: Vec<String>) -> Self {
        let verdicts = case.targets.iter().filter_map(|target| target.judge(&entries)).collect();
        let yardsticks = case.entries.iter().map(|entry| entry.yardstick.clone()).collect();
        Self { name: case.name, about: case.about, entries, yardsticks, verdicts, errors }
    }

    fn json(&self) -> Value {
        let entries: Vec<Value> = self
            .entries
            .iter()
            .zip(&self.yardsticks)
            .map(|((label, runs), beside)| {
                let medians: Run = measures(runs).filter_map(|it| Some((it, median(runs, it)?))).collect();
                let ratio = self.rate(label).zip(self.rate(beside)).map(|(rate, other)| rate / other);
                json!({ "entry": label, "beside": beside, "ratio": ratio, "medians": medians, "runs": runs })
            })
            .collect();
        json!({
            "case": self.name,
            "about": self.about,
            "entries": entries,
            "targets": self.verdicts,
            "errors": self.errors,
        })
    }

    fn rate(&self, entry: &str) -> Option<f64> {
        let (_, runs) = self.entries.iter().find(|(label, _)| label == entry)?;
        median(runs, Measure::Rate)
    }
}

impl fmt::Display for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.name, self.about)?;
        let columns: Vec<Measure> = COLUMNS
            .into_iter()
            .filter(|column| self.entries.iter().any(|(_, runs)| median(runs, *column).is_some()))
            .collect();
        let width = self.entries.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0).max(10);
        write!(f, "{:<width$} {:>9} {:>17} {:>7}", "", "msgs/s", "min–max", "ratio")?;
        columns.iter().try_for_each(|column| write!(f, " {:>10}", column.title()))?;
        writeln!(f)?;
        for ((label, runs), yardstick) in self.entries.iter().zip(&self.yardsticks) {
            let both = self.rate(label).zip(self.rate(yardstick));
            let ratio = both.map(|(rate, yardstick)| format!("{:.2}", rate / yardstick));
            let shown = shown(runs, Measure::Rate);
            write!(f, "{label:<width$} {shown:>9} {:>17} {:>7}", extent(runs), ratio.unwrap_or_default())?;
            columns.iter().try_for_each(|column| write!(f, " {:>10}", self::shown(runs, *column)))?;
            writeln!(f)?;
        }
        for Verdict { target, reached, is_met } in &self.verdicts {
            writeln!(f, "{} {target}: {reached:.2}", if *is_met { "met   " } else { "missed" })?;
        }
        // What comes after the first line was told when it happened.
        let complaints = self.errors.iter().filter_map(|error| error.lines().next());
        complaints.into_iter().try_for_each(|complaint| writeln!(f, "error  {complaint}"))
    }
}

/// The numbers of one run on one line.
pub(crate) fn line(run: &Run) -> String {
    let numbers: Vec<String> =
        run.iter().map(|(measure, value)| format!("{} {}", measure.title(), measure.show(*value))).collect();
    numbers.join(", ")
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

fn measures(runs: &[Run]) -> impl Iterator<Item = Measure> {
    let first = runs.first().cloned().unwrap_or_default();
    first.into_keys()
}

fn shown(runs: &[Run], measure: Measure) -> String {
    median(runs, measure).map(|value| measure.show(value)).unwrap_or_default()
}

fn extent(runs: &[Run]) -> String {
    let rates = values(runs, Measure::Rate);
    let least = rates.iter().copied().min_by(f64::total_cmp);
    let most = rates.iter().copied().max_by(f64::total_cmp);
    least.zip(most).map(|(least, most)| format!("{least:.0}–{most:.0}")).unwrap_or_default()
}
