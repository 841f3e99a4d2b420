//! Compares one value with its expected type and unit.

use toml::de::DeValue;

use super::Verdict;
use super::expected::Expected;
use super::suggest::{closest, listed};
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::{Ratio, Size, Span, Timespan};

/// A value and what is known about it.
pub(super) struct Scalar<'v, 'i> {
    /// The value.
    pub value: &'v mut DeValue<'i>,
    /// Where it stands.
    pub span: Span,
    /// The key it belongs to.
    pub key: &'v str,
    /// Whether it was written as text only because variables need to be.
    pub from_variable: bool,
}

impl Scalar<'_, '_> {
    /// Reports the value unless it is what is expected.
    pub(super) fn check(self, expected: &Expected<'_>, report: &mut Report) -> Verdict {
        match (expected, &*self.value) {
            (Expected::Word(words), DeValue::String(word)) => {
                if words.contains(&&**word) {
                    Verdict::Keep
                } else {
                    self.unknown_word(word, words, report)
                }
            }
            (Expected::Boolean, DeValue::String(text))
                if self.from_variable && matches!(&**text, "true" | "false") =>
            {
                *self.value = DeValue::Boolean(**text == *"true");
                Verdict::Keep
            }
            (Expected::Count, DeValue::String(text)) if self.from_variable && text.parse::<u64>().is_ok() => {
                Verdict::Keep
            }
            (Expected::Count | Expected::Size, DeValue::Integer(number))
                if is_count(number.as_str(), number.radix()) =>
            {
                Verdict::Keep
            }
            (Expected::Ratio, DeValue::Float(number)) if Ratio::parse(number.as_str()).is_some() => {
                Verdict::Keep
            }
            (Expected::Ratio, DeValue::Integer(number)) if Ratio::parse(number.as_str()).is_some() => {
                Verdict::Keep
            }
            (Expected::Size, DeValue::String(text)) => match Size::parse(text) {
                Ok(_) => Verdict::Keep,
                Err(problem) => self.bad_unit(
                    "size",
                    &problem,
                    "write a number and one of `B`, `KiB`, `MiB`, `GiB`, `TiB`",
                    report,
                ),
            },
            (Expected::Duration, DeValue::String(text)) => match Timespan::parse(text) {
                Ok(_) => Verdict::Keep,
                Err(problem) => {
                    let cure = "write a number and one of `ms`, `s`, `m`, `h`, `d`";
                    self.bad_unit("duration", &problem.to_string(), cure, report)
                }
            },
            (Expected::Duration, DeValue::Integer(number)) => {
                let [seconds, milliseconds] =
                    ["s", "ms"].map(|unit| self.assigned(&format!("\"{}{unit}\"", number.as_str())));
                let cure =
                    format!("write `{seconds}` if you mean seconds, `{milliseconds}` for milliseconds");
                self.bad_unit("duration", "the unit is missing", &cure, report)
            }
            (Expected::Text | Expected::Dependency, DeValue::String(_))
            | (Expected::Boolean, DeValue::Boolean(_)) => Verdict::Keep,
            _ => self.wrong_type(expected, report),
        }
    }

    /// What the value is called in a message.
    fn name(&self) -> String {
        match self.key.strip_suffix("[]") {
            Some(list) => format!("an element of `{list}`"),
            None => format!("`{}`", self.key),
        }
    }

    /// How `value` would be written for the key; an element of a list stands alone.
    fn assigned(&self, value: &str) -> String {
        if self.key.ends_with("[]") { value.to_owned() } else { format!("{} = {value}", self.key) }
    }

    fn unknown_word(&self, word: &str, words: &[&str], report: &mut Report) -> Verdict {
        let cure = match closest(word, words.iter().copied()) {
            Some(similar) => format!("did you mean `\"{similar}\"`?"),
            None => format!("write one of {}", listed(words)),
        };
        report
            .add(Rule::UnknownValue, &self.span, format!("{} cannot be `{word}`", self.name()))
            .consequence("nobody knows what is meant, so the topology cannot start")
            .cure(cure);
        Verdict::LeaveOut
    }

    fn bad_unit(&self, kind: &str, problem: &str, cure: &str, report: &mut Report) -> Verdict {
        report
            .add(Rule::BadUnit, &self.span, format!("{} is no {kind}: {problem}", self.name()))
            .consequence("a guess at the unit could be wrong a thousandfold, so the topology does not start")
            .cure(cure);
        Verdict::LeaveOut
    }

    fn wrong_type(&self, expected: &Expected<'_>, report: &mut Report) -> Verdict {
        let written = report.written(&self.span);
        let cure = match (expected, &*self.value) {
            (Expected::List(_), DeValue::String(_)) => {
                format!("write `{}`", self.assigned(&format!("[{written}]")))
            }
            (Expected::Text, DeValue::Integer(_) | DeValue::Boolean(_) | DeValue::Float(_)) => {
                format!("write `{}`", self.assigned(&format!("\"{written}\"")))
            }
            (Expected::Count, DeValue::String(text)) if is_count(text, 10) => {
                format!("write `{}`", self.assigned(text))
            }
            _ => format!("write {}", expected.describe()),
        };
        let message =
            format!("{} must be {}; this is {}", self.name(), expected.describe(), found(self.value));
        report
            .add(Rule::WrongType, &self.span, message)
            .consequence("the value cannot be used, so the topology cannot start")
            .cure(cure);
        Verdict::LeaveOut
    }
}

fn is_count(digits: &str, radix: u32) -> bool {
    u64::from_str_radix(digits, radix).is_ok()
}

fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(number) if number.as_str().starts_with('-') => "a negative number",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
