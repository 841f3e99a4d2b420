//! The floors of the runtime: who may use whom.

use super::Violation;
use super::source::Source;
use super::tokens::{Token, TokenKind};

const SOURCES: &str = "runtime/src/";

/// From the ground up. Modules of one floor never use each other.
const FLOORS: [&[&str]; 9] = [
    &["planted"],
    &["message"],
    &["topology"],
    &["registry"],
    &["port"],
    &["nats", "memory", "engine"],
    &["http"],
    &["admin", "ingress"],
    &["cli"],
];

/// Usable from everywhere; itself it stands on the floors below the wings.
const TELEMETRY: &str = "telemetry";
const WINGS: usize = 5;

/// The module directly under `runtime/src` that the file belongs to; none for the roots of library and binary.
pub(super) fn module_of(source: &Source) -> Option<&str> {
    let inside = source.path.strip_prefix(SOURCES)?;
    let module = inside.split('/').next()?.trim_end_matches(".rs");
    (module != "lib" && module != "main").then_some(module)
}

/// Every use, outside tests, of a module that does not lie below.
pub(super) fn upward_arrows(source: &Source) -> Vec<Violation> {
    let Some(from) = module_of(source) else {
        return Vec::new();
    };
    if !is_known(from) {
        return vec![
            source.violation(1, format!("`{from}` is on no floor; give it one in ARCHITECTURE.md and here")),
        ];
    }
    let arrows = used_modules(source).into_iter().filter(|(to, _)| !may_use(from, to));
    arrows.map(|(to, line)| source.violation(line, refusal(from, to))).collect()
}

fn refusal(from: &str, to: &str) -> String {
    if is_known(to) {
        format!("`{from}` may not use `{to}`: arrows point down, and wings meet at `port`")
    } else {
        format!("`crate::{to}` hides which floor it is on; name the module")
    }
}

fn may_use(from: &str, to: &str) -> bool {
    match (level(from), level(to)) {
        _ if from == to || to == TELEMETRY => true,
        (None, Some(below)) => below < WINGS,
        (Some(above), Some(below)) => below < above,
        (_, None) => false,
    }
}

fn level(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

fn is_known(module: &str) -> bool {
    module == TELEMETRY || level(module).is_some()
}

/// The first names after `crate::`, or after as many `super::` as lead to the crate's root, with their lines.
fn used_modules(source: &Source) -> Vec<(&str, usize)> {
    let depth = source.path.trim_start_matches(SOURCES).split('/').count();
    let tokens = source.tokens();
    let mut used = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let root = &tokens[at];
        let ups = supers(&tokens[at..]);
        at += (2 * ups).max(1);
        let follows_root = root.is("crate") && tokens.get(at).is_some_and(Token::is_separator);
        if root.is_test {
            continue;
        }
        if follows_root {
            used.extend(first_names(&tokens[at + 1..]));
        } else if ups > 0 && ups == depth + root.inline_modules {
            used.extend(first_names(&tokens[at..]));
        }
    }
    used
}

/// How many times `super::` stands here.
fn supers(tokens: &[Token]) -> usize {
    tokens.chunks_exact(2).take_while(|pair| pair[0].is("super") && pair[1].is_separator()).count()
}

/// `name` or, of `{name::…, other}`, all first names.
fn first_names(tokens: &[Token]) -> Vec<(&str, usize)> {
    let mut names = Vec::new();
    let mut nesting = 0_usize;
    let mut expects_name = true;
    for token in tokens {
        match &token.kind {
            TokenKind::Ident(name) if expects_name => names.push((name.as_str(), token.line)),
            TokenKind::Open(_) => nesting += 1,
            TokenKind::Close(_) => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        expects_name = match token.kind {
            TokenKind::Open(_) => nesting == 1 && names.is_empty(),
            TokenKind::Punct(',') => nesting == 1,
            _ => false,
        };
        if nesting == 0 {
            break;
        }
    }
    names
}

#[cfg(test)]
fn arrows(path: &str, text: &str) -> Vec<(usize, String)> {
    let violations = upward_arrows(&Source::new(path, text));
    violations.into_iter().map(|violation| (violation.line, violation.rule)).collect()
}

#[cfg(test)]
fn is_refused(path: &str, text: &str) -> bool {
    !arrows(path, text).is_empty()
}

#[test]
fn upward_and_sideways_arrows_are_refused() {
    assert!(is_refused("runtime/src/message/delivery.rs", "use crate::port::Settle;"));
    assert!(is_refused("runtime/src/port.rs", "fn f(_: crate::engine::Lane) {}"));
    assert!(is_refused("runtime/src/nats/source.rs", "use crate::engine::Lane;"));
    assert!(is_refused("runtime/src/engine/lane.rs", "use crate::memory::Memory;"));
    assert!(is_refused("runtime/src/telemetry/span.rs", "use crate::engine::Lane;"));
    assert!(is_refused("runtime/src/admin.rs", "use crate::cli;"));
}

#[test]
fn downward_arrows_are_allowed() {
    let text =
        "use crate::{message::Delivery, port::{Settle, Source}, telemetry}; use crate::engine::lane::Lane;";

    assert_eq!(arrows("runtime/src/engine/execute.rs", text), []);
    assert_eq!(arrows("runtime/src/message/delivery.rs", "use crate::telemetry::span;"), []);
    assert_eq!(arrows("runtime/src/telemetry/span.rs", "use crate::message::Delivery;"), []);
    assert_eq!(arrows("runtime/src/cli/run.rs", "use crate::{nats, memory, engine, admin};"), []);
}

#[test]
fn every_name_of_a_group_is_seen_with_its_line() {
    let text =
        "use crate::{\n    message::{Ack, Delivery},\n    nats::Sink,\n    engine,\n};\nuse crate::memory;";

    let lines: Vec<usize> = arrows("runtime/src/port.rs", text).into_iter().map(|(line, _)| line).collect();

    assert_eq!(lines, [3, 4, 6]);
}

#[test]
fn arrows_hidden_in_macros_and_supers_are_seen() {
    assert!(is_refused("runtime/src/nats/sink.rs", "fn f() { log!(\"{}\", crate::engine::COUNT) }"));
    assert!(is_refused("runtime/src/nats/sink.rs", "use super::super::engine;"));
    assert!(is_refused("runtime/src/nats.rs", "mod inner { use super::super::engine::Lane; }"));
    assert!(!is_refused("runtime/src/nats/sink.rs", "use super::engine;"));
}

#[test]
fn tests_may_look_everywhere() {
    assert!(!is_refused(
        "runtime/src/engine/lane.rs",
        "#[cfg(test)] mod tests { use crate::memory::Memory; }"
    ));
    assert!(!is_refused("runtime/src/engine/tests.rs", "use crate::memory::Memory;"));
}

#[test]
fn a_module_without_a_floor_is_refused() {
    assert!(is_refused("runtime/src/util.rs", ""));
    assert!(is_refused("runtime/src/engine/lane.rs", "use crate::Registry;"));
}

#[test]
fn visibility_is_no_arrow() {
    assert!(!is_refused(
        "runtime/src/message.rs",
        "pub(crate) struct Ack; pub(in crate::message) struct Nak;"
    ));
}
