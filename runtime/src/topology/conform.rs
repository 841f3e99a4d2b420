//! Compares the document with the schema: unknown and missing keys, types, units, variables.
//!
//! What does not fit is reported and left out, so that the rest can be checked in the same run.

mod expected;
mod scalar;
mod suggest;

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use expected::{Expected, Schema};
use scalar::Scalar;
pub(super) use suggest::{closest, listed};

use super::interpolate::{Problem, expand, locate};
use super::report::Report;
use super::rule::Rule;
use super::schema::{Span, file_schema};

/// Leaves in `document` only what the schema of the file allows, with variables replaced by their values.
pub(super) fn conform(
    document: &mut Spanned<DeTable<'_>>,
    env: &dyn Fn(&str) -> Option<String>,
    report: &mut Report,
) {
    let schema = file_schema();
    let root = Schema::root(schema.as_value());
    Walk { env, report }.table(document.get_mut(), &(0..0), root, "");
}

/// Whether a value may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Keep,
    LeaveOut,
}

/// The value is broken, and the report says so.
#[derive(Debug)]
struct Reported;

struct Walk<'w> {
    env: &'w dyn Fn(&str) -> Option<String>,
    report: &'w mut Report,
}

impl Walk<'_> {
    /// `path` is what stands in the header of the table, empty for the whole file; `span` is where it is opened.
    fn table(&mut self, table: &mut DeTable<'_>, span: &Span, schema: Schema<'_>, path: &str) {
        for missing in schema.required().filter(|key| !table.contains_key(*key)) {
            self.missing_key(missing, span, schema, path);
        }
        let mut rejected = Vec::new();
        for (key, value) in table.iter_mut() {
            let name: &str = key.get_ref();
            let verdict = match schema.member(name) {
                Some(member) => self.member(value, &key.span(), member, path, name),
                None => self.unknown_key(name, &key.span(), schema, path),
            };
            if verdict == Verdict::LeaveOut {
                rejected.push(name.to_owned());
            }
        }
        for name in rejected {
            table.remove(name.as_str());
        }
    }

    fn member(
        &mut self,
        value: &mut Spanned<DeValue<'_>>,
        key: &Span,
        schema: Schema<'_>,
        path: &str,
        name: &str,
    ) -> Verdict {
        let verdict = self.value(value, key, schema, &join(path, name));
        if verdict == Verdict::LeaveOut {
            self.report.leave_out(path, &join(path, name));
        }
        verdict
    }

    fn value(
        &mut self,
        value: &mut Spanned<DeValue<'_>>,
        key: &Span,
        schema: Schema<'_>,
        path: &str,
    ) -> Verdict {
        let Ok(from_variable) = self.interpolate(value) else {
            return Verdict::LeaveOut;
        };
        let span = value.span();
        if schema.is_secret() && !from_variable {
            self.report.hide(&span);
        }
        match (schema.expected(), value.get_mut()) {
            (Expected::Table, DeValue::Table(table)) => {
                self.table(table, key, schema, path);
                Verdict::Keep
            }
            (Expected::List(item), DeValue::Array(items)) => {
                let path = format!("{path}[]");
                self.each(items.iter_mut(), |walk, each| walk.value(each, key, item, &path))
            }
            (Expected::Anything | Expected::Settings | Expected::Dependency, DeValue::Table(table)) => self
                .each(table.iter_mut().map(|(_, value)| value), |walk, each| {
                    walk.value(each, key, schema.anything(), path)
                }),
            (Expected::Anything, DeValue::Array(items)) => {
                self.each(items.iter_mut(), |walk, each| walk.value(each, key, schema.anything(), path))
            }
            (Expected::Anything, _) => Verdict::Keep,
            (expected, value) => {
                let key = path.rsplit('.').next().unwrap_or(path);
                Scalar { value, span, key, from_variable }.check(&expected, self.report)
            }
        }
    }

    /// One bad element spoils all: a list that lost some would mean something else.
    fn each<T>(
        &mut self,
        elements: impl Iterator<Item = T>,
        mut check: impl FnMut(&mut Self, T) -> Verdict,
    ) -> Verdict {
        elements.fold(Verdict::Keep, |verdict, element| match check(self, element) {
            Verdict::Keep => verdict,
            Verdict::LeaveOut => Verdict::LeaveOut,
        })
    }

    /// Replaces variables, and tells whether there were any.
    fn interpolate(&mut self, value: &mut Spanned<DeValue<'_>>) -> Result<bool, Reported> {
        let span = value.span();
        let DeValue::String(text) = value.get_mut() else {
            return Ok(false);
        };
        match expand(text, self.env) {
            Ok(Cow::Borrowed(_)) => Ok(false),
            Ok(Cow::Owned(expanded)) => {
                *text = expanded.into();
                Ok(true)
            }
            Err(unresolved) => {
                for each in unresolved {
                    let place = locate(self.report.written(&span), text, &each.range);
                    let place =
                        place.map_or(span.clone(), |place| span.start + place.start..span.start + place.end);
                    self.unresolved(&text[each.range], &each.problem, &place);
                }
                Err(Reported)
            }
        }
    }

    fn unresolved(&mut self, reference: &str, problem: &Problem, span: &Span) {
        let (message, cure) = match problem {
            Problem::Unset(name) => (
                format!("variable `{name}` is not set and has no default"),
                format!("set `{name}` in the environment, or write a default: `${{{name}:-…}}`"),
            ),
            Problem::Malformed => (
                format!("`{reference}` is no reference to a variable"),
                "write `${NAME}` or `${NAME:-default}`; a literal `${` is written `$${`".to_owned(),
            ),
        };
        let consequence = "the value stays unknown, so the topology cannot start in this environment";
        self.report.add(Rule::UnresolvedVariable, span, message).consequence(consequence).cure(cure);
    }

    fn unknown_key(&mut self, name: &str, span: &Span, schema: Schema<'_>, path: &str) -> Verdict {
        let place = place(path);
        let known: Vec<&str> = schema.members().collect();
        let cure = match closest(name, known.iter().copied()) {
            Some(similar) => {
                self.report.leave_out(path, &join(path, similar));
                format!("did you mean `{similar}`?")
            }
            None => format!("remove it; {place} has the keys {}", listed(&known)),
        };
        self.report
            .add(Rule::UnknownKey, span, format!("{place} has no key `{name}`"))
            .consequence("what it was meant to set would keep its default, and nobody would notice")
            .cure(cure);
        Verdict::LeaveOut
    }

    fn missing_key(&mut self, key: &str, span: &Span, schema: Schema<'_>, path: &str) {
        let example = schema.member(key).map_or_else(String::new, Schema::example);
        let place = place(path);
        self.report
            .add(Rule::MissingKey, span, format!("{place} has no `{key}`"))
            .consequence(format!("there is no sensible default for `{key}`, so the topology cannot start"))
            .cure(format!("add `{key} = {example}`"));
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn place(path: &str) -> String {
    if path.is_empty() { "the topology".to_owned() } else { format!("`[{path}]`") }
}
