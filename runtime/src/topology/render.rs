//! Shows findings to people, with their piece of the file.

use std::fmt::Write;
use std::io::IsTerminal;

use miette::{GraphicalReportHandler, GraphicalTheme};

use super::finding::Finding;
use super::rule::Severity;

/// How findings look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without colours, for files and pipes.
    Plain,
    /// With colours, for terminals.
    Colour,
}

impl Style {
    /// The style for `output`: colours only on a terminal, and only where `NO_COLOR` is not set.
    pub fn of(output: &impl IsTerminal) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if output.is_terminal() && !unwanted { Self::Colour } else { Self::Plain }
    }
}

/// The findings as text, like a compiler's: each with the line it is about, what will happen, and the cure.
///
/// Ends with how many there are, and with the command that explains the first error; empty for no findings.
pub fn render(findings: &[Finding], style: Style) -> String {
    let mut text = String::new();
    let Some(first) = findings.iter().min_by_key(|finding| finding.severity()) else {
        return text;
    };
    let theme = match style {
        Style::Plain => GraphicalTheme::unicode_nocolor(),
        Style::Colour => GraphicalTheme::unicode(),
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_links(false);
    for finding in findings {
        handler.render_report(&mut text, finding).expect("a string takes all that is written to it");
        text.push('\n');
    }
    let summary = summary(findings);
    writeln!(text, "{}: {summary}; `tidegate explain {}` tells more", first.file(), first.rule)
        .expect("a string takes all that is written to it");
    text
}

/// How many errors and warnings there are.
pub(super) fn summary(findings: &[Finding]) -> String {
    let errors = findings.iter().filter(|finding| finding.severity() == Severity::Error).count();
    match (errors, findings.len() - errors) {
        (errors, 0) => count(errors, "error"),
        (0, warnings) => count(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
    }
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
