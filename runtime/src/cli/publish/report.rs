//! How publishing goes, while it does and when it is over.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

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
        Self { published: 0, failed: 0, named: Vec::new(), started: Instant::now() }
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
        format!("published {}{failed} in {:.1} s ({rate}/s)", self.published, elapsed.as_secs_f64())
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
