//! What is measured of a run, and medians of it.

use std::collections::BTreeMap;

use serde::Serialize;

/// A number of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// Messages per second, from the first handled to the last.
    Rate,
    /// Microseconds of a core per message, of the contestant.
    ClientMicros,
    /// The same, of nats-server.
    ServerMicros,
    /// The most memory that the contestant had resident, in MiB.
    PeakMib,
    /// From the start of the process to the first message, in milliseconds.
    FirstMillis,
    /// What the contestant's memory grew in a minute, over the second half of the run, in MiB.
    GrowthMib,
    /// From publishing to handled, in milliseconds: the median.
    P50Millis,
    /// The same: the 99th of 100.
    P99Millis,
    /// Spans that the collector had when the last message was handled, in percent of the messages.
    SpanPercent,
    /// The share of a core that the contestant used, in percent.
    CorePercent,
}

impl Measure {
    /// The head of its column.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Rate => "msgs/s",
            Self::ClientMicros => "client µs",
            Self::ServerMicros => "server µs",
            Self::PeakMib => "peak MiB",
            Self::FirstMillis => "first ms",
            Self::GrowthMib => "MiB/min",
            Self::P50Millis => "p50 ms",
            Self::P99Millis => "p99 ms",
            Self::SpanPercent => "spans %",
            Self::CorePercent => "core %",
        }
    }

    /// A value as people read it.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Rate | Self::FirstMillis | Self::SpanPercent => format!("{value:.0}"),
            Self::PeakMib | Self::GrowthMib => format!("{value:.1}"),
            _ => format!("{value:.2}"),
        }
    }
}

/// The numbers of one run.
pub(crate) type Run = BTreeMap<Measure, f64>;

/// The median of a measure; none if no run has it.
pub(crate) fn median(runs: &[Run], measure: Measure) -> Option<f64> {
    let mut values = values(runs, measure);
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        even if even.is_multiple_of(2) => Some(f64::midpoint(values[middle - 1], values[middle])),
        _ => Some(values[middle]),
    }
}

/// All values of a measure.
pub(crate) fn values(runs: &[Run], measure: Measure) -> Vec<f64> {
    runs.iter().filter_map(|run| run.get(&measure).copied()).collect()
}

#[test]
fn the_median_is_in_the_middle() {
    let runs = |values: &[f64]| -> Vec<Run> {
        values.iter().map(|value| Run::from([(Measure::Rate, *value)])).collect()
    };

    assert_eq!(median(&runs(&[3.0, 1.0, 2.0]), Measure::Rate), Some(2.0));
    assert_eq!(median(&runs(&[4.0, 1.0]), Measure::Rate), Some(2.5));
    assert_eq!(median(&runs(&[4.0]), Measure::PeakMib), None);
}
