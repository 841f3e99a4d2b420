//! Collects findings, so that all of them are told at once.

use std::collections::BTreeSet;
use std::ops::Range;

use super::finding::{Finding, Source};
use super::rule::{Rule, Severity};

/// The findings of one file so far.
#[derive(Debug)]
pub(super) struct Report {
    name: String,
    text: String,
    findings: Vec<Finding>,
    incomplete: BTreeSet<String>,
}

impl Report {
    /// Nothing found yet in `text`, which is shown as `name`.
    pub(super) fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            findings: Vec::new(),
            incomplete: BTreeSet::new(),
        }
    }

    /// Adds the breach of `rule` at `span`; consequence and cure follow on what is returned.
    pub(super) fn add(
        &mut self,
        rule: Rule,
        span: &Range<usize>,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.findings.push(Finding::new(rule, span.clone(), message));
        self.findings.last_mut().expect("one was just pushed")
    }

    /// The bytes of the file at `span`.
    pub(super) fn written(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    /// Keeps a secret out of what is shown of the file.
    pub(super) fn hide(&mut self, span: &Range<usize>) {
        if self.text.get(span.clone()).is_some() {
            self.text.replace_range(span.clone(), &"*".repeat(span.len()));
        }
    }

    /// Notes that `key` was left out of `table`, so that nothing is concluded from its absence; both are paths.
    pub(super) fn leave_out(&mut self, table: &str, key: &str) {
        self.incomplete.extend([table.to_owned(), key.to_owned()]);
    }

    /// Whether the key or table at `path` was kept with all that is in it.
    pub(super) fn is_complete(&self, path: &str) -> bool {
        !self.incomplete.contains(path)
    }

    /// Whether the topology must be rejected.
    pub(super) fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity() == Severity::Error)
    }

    /// The file and the findings in its order.
    pub(super) fn finish(mut self) -> (Source, Vec<Finding>) {
        let source = Source::new(self.name, self.text.into()).with_language("TOML");
        self.findings.sort_by_key(|finding| (finding.span.start, finding.rule));
        for finding in &mut self.findings {
            finding.set_source(&source);
        }
        (source, self.findings)
    }
}
