//! `${VAR}` and `${VAR:-default}` in the strings of a topology file.

use std::borrow::Cow;
use std::ops::Range;

/// What is wrong with a reference, and where in the text that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unresolved {
    /// The bytes of the reference within the text.
    pub range: Range<usize>,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// The variable is not set and there is no default.
    Unset(String),
    /// It is not `${NAME}` or `${NAME:-default}`.
    Malformed,
}

/// Replaces the references in `text`; `$${` stands for `${` itself.
pub(super) fn expand<'a>(
    text: &'a str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Cow<'a, str>, Vec<Unresolved>> {
    if !text.contains("${") {
        return Ok(Cow::Borrowed(text));
    }
    let (mut expanded, mut unresolved) = (String::with_capacity(text.len()), Vec::new());
    let mut done = 0;
    while let Some(found) = text[done..].find("${") {
        let start = done + found;
        if text[done..start].ends_with('$') {
            expanded.push_str(&text[done..start - 1]);
            expanded.push_str("${");
            done = start + 2;
            continue;
        }
        expanded.push_str(&text[done..start]);
        let end = text[start..].find('}').map_or(text.len(), |close| start + close + 1);
        match resolve(&text[start..end], env) {
            Ok(value) => expanded.push_str(&value),
            Err(problem) => unresolved.push(Unresolved { range: start..end, problem }),
        }
        done = end;
    }
    expanded.push_str(&text[done..]);
    if unresolved.is_empty() { Ok(Cow::Owned(expanded)) } else { Err(unresolved) }
}

/// Where `range` of the string `text` stands in its `literal`, which may have quotes and escapes.
///
/// `None` where the escapes leave it in doubt.
pub(super) fn locate(literal: &str, text: &str, range: &Range<usize>) -> Option<Range<usize>> {
    if let Some(offset) = literal.find(text) {
        return Some(offset + range.start..offset + range.end);
    }
    let reference = &text[range.clone()];
    let nth = text[..range.start].matches(reference).count();
    let (start, _) = literal.match_indices(reference).nth(nth)?;
    Some(start..start + reference.len())
}

fn resolve(reference: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, Problem> {
    let inner =
        reference.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).ok_or(Problem::Malformed)?;
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    if !is_name(name) || default.is_some_and(|default| default.contains("${")) {
        return Err(Problem::Malformed);
    }
    match (env(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Problem::Unset(name.to_owned())),
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shell(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("nats.internal".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn replaces_references_and_keeps_the_rest() {
        for (text, expected) in [
            ("nats://${HOST}:4222", "nats://nats.internal:4222"),
            ("${PORT:-4222}", "4222"),
            ("${EMPTY:-full}${EMPTY}", "full"),
            ("${NONE:-}", ""),
            ("$HOST {order} $", "$HOST {order} $"),
            ("$${HOST} ${HOST}", "${HOST} nats.internal"),
        ] {
            assert_eq!(expand(text, &shell).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn names_every_reference_that_cannot_be_resolved() {
        let unresolved =
            expand("${A}-${HOST}-${B C}-${D", &shell).expect_err("three of four cannot be resolved");

        assert_eq!(
            unresolved,
            [
                Unresolved { range: 0..4, problem: Problem::Unset("A".to_owned()) },
                Unresolved { range: 13..19, problem: Problem::Malformed },
                Unresolved { range: 20..23, problem: Problem::Malformed },
            ]
        );
        assert!(expand("${A:-${HOST}}", &shell).is_err(), "a nested default was taken");
    }

    proptest! {
        #[test]
        fn text_without_references_stays_as_it_is(text in "[^$]*") {
            prop_assert_eq!(expand(&text, &shell), Ok(Cow::Borrowed(text.as_str())));
        }

        #[test]
        fn a_reference_is_found_in_its_literal(before in "[a-z\"\\\\\n\tö{}]{0,12}", after in "[a-z\"\\\\\n\tö]{0,12}") {
            let text = format!("{before}${{UNSET}}{after}");
            let literal = toml::Value::String(text.clone()).to_string();

            let unresolved = expand(&text, &shell).expect_err("it is not set");

            let place = locate(&literal, &text, &unresolved[0].range).expect("it stands there verbatim");
            prop_assert_eq!(&literal[place], "${UNSET}");
        }

        #[test]
        fn never_panics(text in "([$]|[{]|[}]|:-|[A-Z]|ö){0,12}") {
            if let Err(unresolved) = expand(&text, &shell) {
                for each in unresolved {
                    prop_assert!(text.get(each.range).is_some());
                }
            }
        }
    }
}
