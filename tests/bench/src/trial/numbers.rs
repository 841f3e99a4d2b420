//! From what a contestant answers, and what was seen of it, to the numbers of the run.

use crate::job::Answer;
use crate::measure::{Measure, Run};

/// Seconds over which memory is looked at, at least, before its growth is told.
const SHORTEST: f64 = 8.0;

/// Bytes.
pub(super) const MIB: f64 = 1024.0 * 1024.0;

/// What was seen of a contestant while it ran: seconds since its start, and its memory in bytes.
pub(super) type Samples = Vec<(f64, f64)>;

/// The numbers of a run that has handled so many messages.
pub(super) fn numbers(answer: &Answer, samples: &[(f64, f64)], messages: u64) -> Run {
    #[expect(clippy::cast_precision_loss, reason = "counts and bytes are far below 2^52")]
    let (messages, peak) = (messages as f64, answer.peak_memory as f64);
    let mut run = Run::from([
        (Measure::Rate, messages / answer.seconds),
        (Measure::ClientMicros, answer.client_cpu * 1e6 / messages),
        (Measure::ServerMicros, answer.server_cpu * 1e6 / messages),
        (Measure::PeakMib, peak / MIB),
        (Measure::FirstMillis, answer.first_seconds * 1e3),
    ]);
    if let Some(growth) = slope(&samples[samples.len() / 2..]) {
        run.insert(Measure::GrowthMib, growth * 60.0 / MIB);
    }
    if let Some((p50, p99)) = answer.latency {
        run.extend([(Measure::P50Millis, p50 * 1e3), (Measure::P99Millis, p99 * 1e3)]);
    }
    run
}

/// How many of the messages it is.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn percent(count: usize, messages: u64) -> f64 {
    100.0 * count as f64 / messages.max(1) as f64
}

/// Of the straight line with the least squares; none through points of a few seconds, which say nothing.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let span = points.last()?.0 - points.first()?.0;
    if span < SHORTEST {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of samples is far below 2^52")]
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let together = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>();
    let alone = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum::<f64>();
    Some(together / alone)
}

#[test]
fn a_line_has_its_slope() {
    let line: Vec<(f64, f64)> = (0..20).map(|x| (f64::from(x), 3.0 * f64::from(x) + 1.0)).collect();

    assert!(slope(&line).is_some_and(|slope| (slope - 3.0).abs() < 1e-9));
    assert!(slope(&line[..8]).is_none());
}
