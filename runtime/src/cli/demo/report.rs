//! What the demo tells at its end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use indicatif::{HumanCount, HumanFloatCount};
use serde::Serialize;

use super::audit::Audit;
use super::books::Balance;
use super::effort::Effort;
use super::flood::Flooded;
use crate::topology::ActorName;

/// The figures, under the names that programs know them by.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Report {
    published: u64,
    done: u64,
    retried: u64,
    dead_lettered: u64,
    order_violations: u64,
    lost: u64,
    repeated: u64,
    msgs_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    peak_rss_mb: f64,
    /// What only people are told.
    #[serde(skip)]
    details: Details,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Details {
    effort: Effort,
    actors: usize,
    orders: usize,
    published_within: Duration,
    /// Messages that all actors together were given per second.
    all_per_s: f64,
    dead_letters: BTreeMap<String, u64>,
    doomed: BTreeMap<String, u64>,
}

/// What was seen, by whom.
#[derive(Debug)]
pub(super) struct Findings {
    /// By the publisher.
    pub(super) flooded: Flooded,
    /// By the runtime.
    pub(super) effort: Effort,
    /// By the operating system: the most memory, in bytes.
    pub(super) peak: u64,
    /// By the broker.
    pub(super) audit: Audit,
}

impl Report {
    /// Adds up; `front` is the actor that takes the orders.
    pub(super) fn new(findings: Findings, front: &ActorName) -> Self {
        let Findings { flooded, effort, peak, audit } = findings;
        let balances = audit.books.into_iter().map(|(actor, books)| (actor, books.close()));
        let mut balances: BTreeMap<ActorName, Balance> = balances.collect();
        let actors = balances.len();
        let all: Balance = balances.values().sum();
        let front = balances.remove(front).unwrap_or_default();
        let latencies = histogram(&front.latencies);
        Self {
            published: flooded.published,
            done: front.done,
            retried: effort.retries,
            dead_lettered: audit.dead_letters.values().sum(),
            order_violations: all.order_violations,
            lost: all.lost + flooded.published.saturating_sub(front.given),
            repeated: all.repeated,
            msgs_per_s: rounded(per_second(flooded.published, all.took())),
            p50_ms: rounded(float(latencies.value_at_quantile(0.5)) / 1e3),
            p99_ms: rounded(float(latencies.value_at_quantile(0.99)) / 1e3),
            peak_rss_mb: rounded(float(peak) / 1e6),
            details: Details {
                effort,
                actors,
                orders: front.lanes,
                published_within: front.given_within,
                all_per_s: per_second(all.given, all.took()),
                dead_letters: audit.dead_letters,
                doomed: flooded.doomed.iter().map(|(reason, count)| (reason.to_string(), *count)).collect(),
            },
        }
    }

    /// Whether the runtime has kept its promises: nothing lost, nothing out of order, and dead letters are those that
    /// cannot succeed and no others.
    pub(super) fn is_good(&self) -> bool {
        self.lost == 0 && self.order_violations == 0 && self.are_the_dead_the_doomed()
    }

    fn are_the_dead_the_doomed(&self) -> bool {
        self.details.dead_letters == self.details.doomed
    }

    fn verdict(&self) -> String {
        let mut wrongs = Vec::new();
        if self.lost > 0 {
            wrongs.push(format!("{} lost", HumanCount(self.lost)));
        }
        if self.order_violations > 0 {
            wrongs.push(format!("{} out of order", HumanCount(self.order_violations)));
        }
        if !self.are_the_dead_the_doomed() {
            wrongs.push(format!("dead letters should be {}", by_reason(&self.details.doomed)));
        }
        match wrongs.as_slice() {
            [] => {
                "Nothing lost, nothing out of order: read back from the streams, not counted by the runtime."
                    .to_owned()
            }
            wrongs => format!("FAILED: {}.", wrongs.join(", ")),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Details { effort, actors, orders, published_within, all_per_s, dead_letters, .. } = &self.details;
        let count = |count: u64| HumanCount(count).to_string();
        let (orders, seconds) = (count(*orders as u64), published_within.as_secs_f64());
        writeln!(
            f,
            "  published         {:>8}   lines of {orders} orders, within {seconds:.1} s",
            count(self.published)
        )?;
        writeln!(f, "  done              {:>8}   authorized or declined", count(self.done))?;
        let (panics, timeouts) = (count(effort.panics), count(effort.timeouts));
        writeln!(
            f,
            "  retried           {:>8}   {panics} attempts panicked, {timeouts} timed out",
            count(self.retried)
        )?;
        writeln!(f, "  dead-lettered     {:>8}   {}", count(self.dead_lettered), by_reason(dead_letters))?;
        writeln!(f, "  order violations  {:>8}", count(self.order_violations))?;
        writeln!(f, "  lost              {:>8}", count(self.lost))?;
        writeln!(f, "  repeated          {:>8}", count(self.repeated))?;
        writeln!(f)?;
        let figure = |figure: f64| format!("{:.0}", HumanFloatCount(figure));
        let (rate, all) = (figure(self.msgs_per_s), figure(*all_per_s));
        writeln!(f, "  throughput        {rate:>8} orders/s through {actors} actors, {all} messages/s")?;
        let (p50, p99) = (figure(self.p50_ms), figure(self.p99_ms));
        writeln!(f, "  publish to done   {p50:>8} ms p50, {p99} ms p99")?;
        writeln!(f, "  peak memory       {:>8} MB", figure(self.peak_rss_mb))?;
        writeln!(f)?;
        write!(f, "{}", self.verdict())
    }
}

fn by_reason(dead_letters: &BTreeMap<String, u64>) -> String {
    if dead_letters.is_empty() {
        return "none".to_owned();
    }
    let reasons: Vec<String> =
        dead_letters.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    reasons.join(", ")
}

/// In microseconds, up to an hour.
fn histogram(latencies: &[Duration]) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_max(3_600_000_000, 3).expect("the bounds are valid");
    for latency in latencies {
        histogram.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }
    histogram
}

fn per_second(count: u64, took: Duration) -> f64 {
    if took.is_zero() { 0.0 } else { float(count) / took.as_secs_f64() }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people and charts need no 53 bits")]
fn float(count: u64) -> f64 {
    count as f64
}

fn rounded(figure: f64) -> f64 {
    (figure * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests;
