//! Words that must stand in every file, and words that must stand in none.

use super::Violation;
use super::source::Source;
use super::tokens::Token;

/// Macros that say that something is not finished.
const UNFINISHED: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// Attributes that silence the compiler or a test.
const SILENCING: [(&str, &str); 3] = [
    ("allow", "write `#[expect(lint, reason = \"…\")]`"),
    ("ignore", "a test runs or is deleted"),
    ("should_panic", "assert on the error itself"),
];

/// The file's first line must be `//!` and a sentence.
pub(super) fn missing_heading(source: &Source) -> Option<Violation> {
    let first = source.text.lines().next().unwrap_or_default();
    let is_sentence = first.strip_prefix("//! ").is_some_and(|sentence| !sentence.trim().is_empty());
    (!is_sentence)
        .then(|| source.violation(1, "the first line is no `//!` sentence that says what the file is for"))
}

/// Every place that is unfinished, silenced, or panics on what it was given.
pub(super) fn forbidden(source: &Source) -> Vec<Violation> {
    if let Err(error) = &source.tokens {
        return vec![source.violation(1, error.as_str())];
    }
    let tokens = source.tokens();
    (0..tokens.len())
        .filter_map(|at| rule_broken_by(&tokens[at..]).map(|rule| source.violation(tokens[at].line, rule)))
        .collect()
}

fn rule_broken_by(tokens: &[Token]) -> Option<String> {
    match tokens {
        [hash, bang, _, attribute, ..] if hash.is_punct('#') && bang.is_punct('!') => silencing(attribute),
        [hash, _, attribute, ..] if hash.is_punct('#') => silencing(attribute),
        [dot, unwrap, ..] if dot.is_punct('.') && unwrap.is("unwrap") && !dot.is_test => {
            Some("`unwrap` outside a test; return the error, or `expect` the invariant".to_owned())
        }
        [header, separator, from, ..]
            if header.is("HeaderValue") && separator.is_separator() && from.is("from") =>
        {
            Some("`HeaderValue::from` panics on CR and LF; parse with `FromStr`".to_owned())
        }
        [name, bang, ..] if bang.is_punct('!') => {
            let unfinished = UNFINISHED.iter().find(|unfinished| name.is(unfinished))?;
            Some(format!("`{unfinished}!` is for work in progress"))
        }
        _ => None,
    }
}

fn silencing(attribute: &Token) -> Option<String> {
    let (name, instead) = SILENCING.iter().find(|(name, _)| attribute.is(name))?;
    Some(format!("`#[{name}]`: {instead}"))
}

#[cfg(test)]
fn rules(path: &str, text: &str) -> usize {
    forbidden(&Source::new(path, text)).len()
}

#[test]
fn unfinished_work_is_refused_even_in_tests() {
    assert_eq!(rules("sdk/src/lib.rs", "fn f() { todo ! () } fn g() { dbg ! (1); }"), 2);
    assert_eq!(rules("tests/broker.rs", "fn f() { unimplemented ! () }"), 1);
}

#[test]
fn unwrap_is_refused_outside_tests_only() {
    let text = "fn f() { g() . unwrap ( ) }";

    assert_eq!(rules("sdk/src/lib.rs", text), 1);
    assert_eq!(rules("tests/broker.rs", text), 0);
    assert_eq!(rules("sdk/src/lib.rs", &format!("#[cfg(test)] mod tests {{ {text} }}")), 0);
    assert_eq!(rules("sdk/src/lib.rs", "fn f() { g().unwrap_or(1).expect(\"unwrap\") }"), 0);
}

#[test]
fn silencing_attributes_are_refused() {
    assert_eq!(rules("sdk/src/lib.rs", "#![ allow(dead_code)] #[ allow(x)] fn f() {}"), 2);
    assert_eq!(rules("tests/broker.rs", "#[test] #[ ignore] #[ should_panic] fn f() {}"), 2);
    assert_eq!(rules("sdk/src/lib.rs", "#[expect(dead_code, reason = \"shown\")] fn allow() {}"), 0);
}

#[test]
fn headers_are_parsed() {
    assert_eq!(rules("runtime/src/nats/headers.rs", "fn f() { async_nats::HeaderValue::from(text) }"), 1);
    assert_eq!(rules("runtime/src/nats/headers.rs", "fn f() { HeaderValue::from_str(text) }"), 0);
}

#[test]
fn a_file_without_heading_is_refused() {
    assert!(missing_heading(&Source::new("a.rs", "//!\nfn f() {}")).is_some());
    assert!(missing_heading(&Source::new("a.rs", "\n//! Late.")).is_some());
    assert!(missing_heading(&Source::new("a.rs", "fn f() {}")).is_some());
    assert!(missing_heading(&Source::new("a.rs", "")).is_some());
    assert!(missing_heading(&Source::new("a.rs", "//! Says what it is for.\n")).is_none());
}

#[test]
fn a_file_that_does_not_lex_is_reported() {
    assert_eq!(rules("sdk/src/lib.rs", "fn f( {"), 1);
}
