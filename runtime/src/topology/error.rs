//! A topology file that was rejected.

use super::finding::{Finding, Source};
use super::render::{Style, render, summary};

/// Everything that is wrong with a topology file, in the order of the file; warnings included.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{source_name} is no valid topology: {}", summary(.findings))]
pub struct Rejected {
    /// The name of the file, as it was given.
    pub source_name: String,
    /// Its text; empty when it could not be read.
    pub source_text: String,
    /// What is wrong, at least one error among it.
    pub findings: Vec<Finding>,
}

impl Rejected {
    pub(super) fn new(source: &Source, findings: Vec<Finding>) -> Self {
        Self { source_name: source.name().to_owned(), source_text: source.inner().to_string(), findings }
    }

    /// The findings as text, like a compiler's.
    pub fn render(&self, style: Style) -> String {
        render(&self.findings, style)
    }
}
