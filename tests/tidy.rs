//! Holds what the compiler and clippy cannot see of the house style: files, floors, owners and words.

mod floors;
mod manifest;
mod owners;
mod source;
mod tokens;
mod words;

use std::fmt;
use std::sync::LazyLock;

use source::Source;

const LONGEST_FILE: usize = 400;

static WORKSPACE: LazyLock<Vec<Source>> = LazyLock::new(source::workspace);

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    path: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

#[test]
fn every_file_begins_by_saying_what_it_is_for() {
    assert_none(WORKSPACE.iter().filter_map(words::missing_heading));
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are for whoever runs the test with --nocapture")]
fn no_file_is_too_long() {
    let mut lengths: Vec<usize> = WORKSPACE.iter().map(Source::length).collect();
    lengths.sort_unstable();
    let at = |percent: usize| lengths[(lengths.len() - 1) * percent / 100];
    println!("{} files: median {} lines, p90 {}, longest {}", lengths.len(), at(50), at(90), at(100));

    assert_none(WORKSPACE.iter().filter(|source| source.length() > LONGEST_FILE).map(|source| {
        source.violation(source.length(), format!("longer than {LONGEST_FILE} lines; split it by concept"))
    }));
}

#[test]
fn nothing_is_left_to_do_or_silenced() {
    assert_none(WORKSPACE.iter().flat_map(words::forbidden));
}

#[test]
fn arrows_between_floors_point_down() {
    assert_none(WORKSPACE.iter().flat_map(floors::upward_arrows));
}

#[test]
fn crates_and_output_stay_with_their_owners() {
    assert_none(WORKSPACE.iter().flat_map(owners::trespasses));
}

#[test]
fn handler_authors_are_given_no_runtime() {
    let path = source::root().join("sdk/Cargo.toml");
    let manifest = std::fs::read_to_string(path).expect("the sdk has a manifest");

    assert_none(manifest::forbidden_dependencies("sdk/Cargo.toml", &manifest));
}

fn assert_none(violations: impl Iterator<Item = Violation>) {
    let found: Vec<String> = violations.map(|violation| violation.to_string()).collect();
    assert!(found.is_empty(), "{} against the house style:\n{}", found.len(), found.join("\n"));
}
