//! One thing that is wrong with a topology file: where, which rule, what will happen, and the cure.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use serde::{Serialize, Serializer};

use super::rule::{Rule, Severity};

/// The text of a topology file and the name to show for it; cheap to clone.
pub(super) type Source = NamedSource<Arc<str>>;

/// One thing that is wrong with a topology file.
///
/// As a [`Diagnostic`] it renders with its piece of the file; serialized it has the keys `file`, `line`, `column`,
/// `rule`, `severity`, `message`, `consequence`, `cure` and `related`.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule that is broken.
    pub rule: Rule,
    /// The bytes of the file that break it; empty at 0 when it is the file as a whole.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What will happen.
    pub consequence: Consequence,
    /// What to write instead.
    pub cure: String,
    /// Other places that have to do with it.
    pub related: Vec<Related>,
    source: Source,
}

/// What will happen, or would if the topology were accepted: the [`source`](std::error::Error::source) of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Consequence(pub String);

/// Another place of the file that has to do with a [`Finding`].
#[derive(Debug, Clone)]
pub struct Related {
    /// Its bytes.
    pub span: Range<usize>,
    /// What it has to do with it.
    pub text: String,
}

/// A place in a file as people count: both start at one, columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

impl Finding {
    /// The breach of `rule` at `span`.
    pub(super) fn new(rule: Rule, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            rule,
            span,
            message: message.into(),
            consequence: Consequence(String::new()),
            cure: String::new(),
            related: Vec::new(),
            source: Source::new("", Arc::default()),
        }
    }

    /// Says what will happen.
    pub(super) fn consequence(&mut self, text: impl Into<String>) -> &mut Self {
        self.consequence = Consequence(text.into());
        self
    }

    /// Says what to write instead.
    pub(super) fn cure(&mut self, text: impl Into<String>) -> &mut Self {
        self.cure = text.into();
        self
    }

    /// Points at another place.
    pub(super) fn related(&mut self, span: &Range<usize>, text: impl Into<String>) -> &mut Self {
        self.related.push(Related { span: span.clone(), text: text.into() });
        self
    }

    /// Says which file it is about.
    pub(super) fn set_source(&mut self, source: &Source) {
        self.source = source.clone();
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.rule.severity()
    }

    /// The file, as it was named to [`load`](super::load).
    pub fn file(&self) -> &str {
        self.source.name()
    }

    /// Where it begins.
    pub fn position(&self) -> Position {
        Position::of(self.source.inner(), self.span.start)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Finding {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.consequence)
    }
}

impl Diagnostic for Finding {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let severity = match self.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        Some(Box::new(format!("{severity}[{}]: {}", self.rule, self.rule.title())))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.rule.severity() {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.cure))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        (!self.source.inner().is_empty()).then_some(&self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let primary = LabeledSpan::new_primary_with_span(None, self.span.clone());
        let related = self
            .related
            .iter()
            .map(|other| LabeledSpan::new_with_span(Some(other.text.clone()), other.span.clone()));
        Some(Box::new(std::iter::once(primary).chain(related)))
    }
}

impl fmt::Display for Consequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Consequence {}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename = "Finding")]
        struct View<'a> {
            file: &'a str,
            #[serde(flatten)]
            position: Position,
            rule: Rule,
            severity: Severity,
            message: &'a str,
            consequence: &'a Consequence,
            cure: &'a str,
            related: Vec<RelatedView<'a>>,
        }
        #[derive(Serialize)]
        struct RelatedView<'a> {
            #[serde(flatten)]
            position: Position,
            text: &'a str,
        }
        let text = self.source.inner();
        View {
            file: self.file(),
            position: self.position(),
            rule: self.rule,
            severity: self.severity(),
            message: &self.message,
            consequence: &self.consequence,
            cure: &self.cure,
            related: self
                .related
                .iter()
                .map(|other| RelatedView {
                    position: Position::of(text, other.span.start),
                    text: &other.text,
                })
                .collect(),
        }
        .serialize(serializer)
    }
}

impl Position {
    fn of(text: &str, offset: usize) -> Self {
        let before = &text[..offset.min(text.len())];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_characters_from_one() {
        let text = "a\nöx = 1\n";

        assert_eq!(Position::of(text, 0), Position { line: 1, column: 1 });
        assert_eq!(
            Position::of(text, text.find('x').expect("there is an x")),
            Position { line: 2, column: 2 }
        );
        assert_eq!(Position::of(text, text.len()), Position { line: 3, column: 1 });
    }
}
