//! How publishing goes, while it does and when it is over.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tidegate_producer::{Flow, FlowState, Throttled};

use super::{Format, LineError};
use crate::cli::output;

/// How many failed lines a report names.
const NAMED: usize = 1000;

/// What became of the lines.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    published: u64,
    failed: u64,
    #[serde(rename = "failed_lines")]
    named: Vec<FailedLine>,
    /// How long lines waited because their stream was slow, stopped or full.
    throttled_ms: u64,
    /// How often a stream refused a line because it was full; such a line is offered again.
    refusals: u64,
    #[serde(skip)]
    started: Instant,
}

#[derive(Debug, Serialize)]
struct FailedLine {
    line: u64,
    error: String,
}

impl Report {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self {
            published: 0,
            failed: 0,
            named: Vec::new(),
            throttled_ms: 0,
            refusals: 0,
            started: Instant::now(),
        }
    }

    /// A stream has stored a line.
    pub(super) fn published(&mut self) {
        self.published += 1;
    }

    /// A line was not published, or is not known to be.
    pub(super) fn failed(&mut self, line: u64, error: &LineError) {
        self.failed += 1;
        if self.named.len() < NAMED {
            self.named.push(FailedLine { line, error: error.to_string() });
        }
    }

    /// What backpressure has cost.
    pub(super) fn throttled(&mut self, throttled: Throttled) {
        self.throttled_ms = u64::try_from(throttled.time.as_millis()).unwrap_or(u64::MAX);
        self.refusals = throttled.refusals;
    }

    /// Whether all lines were published.
    pub(super) fn is_complete(&self) -> bool {
        self.failed == 0
    }

    /// Prints it.
    pub(super) fn print(&self, format: Format) -> io::Result<()> {
        match format {
            Format::Text => output::text(&self.summary()),
            Format::Json => output::json(self),
        }
    }

    fn summary(&self) -> String {
        let elapsed = self.started.elapsed();
        let rate = u128::from(self.published) * 1000 / elapsed.as_millis().max(1);
        let failed = if self.failed > 0 { format!(", failed {}", self.failed) } else { String::new() };
        let throttled = match (self.throttled_ms, self.refusals) {
            (0, 0) => String::new(),
            (milliseconds, refusals) => {
                format!(
                    "; held back for {:.1} s, refused {refusals} times",
                    Duration::from_millis(milliseconds).as_secs_f64()
                )
            }
        };
        let seconds = elapsed.as_secs_f64();
        format!("published {}{failed} in {seconds:.1} s ({rate}/s){throttled}", self.published)
    }
}

/// A bar on the terminal, if standard error is one.
#[derive(Debug)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Progress through `size` bytes of input, or through who knows how many.
    pub(super) fn new(size: Option<u64>) -> Self {
        let (bar, template) = match size {
            Some(size) => (ProgressBar::new(size), "{bar:40} {percent:>3} %  {eta} left  {msg}"),
            None => (ProgressBar::no_length(), "{spinner} {bytes} in {elapsed}  {msg}"),
        };
        let style = ProgressStyle::with_template(template).expect("the template is valid");
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// So many bytes of the input are done.
    pub(super) fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Tells whether the stream holds us back, and why.
    pub(super) fn tell_flow(&self, flow: Option<Flow>) {
        let held_back = flow.filter(|flow| matches!(flow.state, FlowState::Slow | FlowState::Stop));
        self.0.set_message(held_back.map(|flow| flow.reason()).unwrap_or_default());
    }

    /// Writes a line to standard error, above the bar.
    pub(super) fn tell(&self, line: &str) {
        // Whoever closed standard error does not want to be told.
        self.0.suspend(|| drop(writeln!(io::stderr(), "{line}")));
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
