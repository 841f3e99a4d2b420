//! The Rust files of the workspace, and which of their lines are tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Violation;
use super::tokens::{Token, TokenKind, flatten};

/// A Rust file.
#[derive(Debug)]
pub(super) struct Source {
    /// Relative to the workspace, with `/` between its parts.
    pub(super) path: String,
    pub(super) text: String,
    /// What is left without comments, and with literals blanked. `Err` tells why the file does not lex.
    pub(super) tokens: Result<Vec<Token>, String>,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let mut tokens = flatten(text);
        if is_test_path(path) {
            tokens.iter_mut().flatten().for_each(|token| token.is_test = true);
        }
        Self { path: path.to_owned(), text: text.to_owned(), tokens }
    }

    pub(super) fn length(&self) -> usize {
        self.text.lines().count()
    }

    /// The tokens; none for a file that does not lex, which [`words::forbidden`](super::words::forbidden) reports.
    pub(super) fn tokens(&self) -> &[Token] {
        self.tokens.as_deref().unwrap_or_default()
    }

    pub(super) fn violation(&self, line: usize, rule: impl Into<String>) -> Violation {
        Violation { path: self.path.clone(), line, rule: rule.into() }
    }

    /// Paths, without `.rs`, of the modules that this file declares for tests only.
    fn test_modules(&self) -> Vec<String> {
        let home = match self.path.rsplit_once('/') {
            Some((directory, "lib.rs" | "main.rs")) => directory,
            _ => self.path.trim_end_matches(".rs"),
        };
        let declared = self.tokens().windows(3).filter_map(|window| match window {
            [keyword, name, end] if keyword.is_test && keyword.is("mod") && end.is_punct(';') => name.ident(),
            _ => None,
        });
        declared.map(|name| format!("{home}/{name}")).collect()
    }
}

/// The root of the workspace.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in a workspace").to_owned()
}

/// All Rust files that git tracks or would add.
pub(super) fn workspace() -> Vec<Source> {
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.rs"])
        .current_dir(root())
        .output()
        .expect("git can be run");
    assert!(listing.status.success(), "git: {}", String::from_utf8_lossy(&listing.stderr));
    let listing = String::from_utf8(listing.stdout).expect("paths are UTF-8");
    // A file that is deleted but still in the index is listed and cannot be read.
    let sources = listing.split_terminator('\0').filter_map(|path| {
        let text = fs::read_to_string(root().join(path)).ok()?;
        Some(Source::new(path, &text))
    });
    with_test_modules_marked(sources.collect())
}

fn with_test_modules_marked(mut sources: Vec<Source>) -> Vec<Source> {
    let modules: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        let is_inside = |module: &String| {
            source
                .path
                .strip_prefix(module.as_str())
                .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        if modules.iter().any(is_inside) {
            source.tokens.iter_mut().flatten().for_each(|token| token.is_test = true);
        }
    }
    sources
}

fn is_test_path(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

#[test]
fn files_of_test_modules_are_tests() {
    let sources = with_test_modules_marked(vec![
        Source::new("runtime/src/engine.rs", "#[cfg(test)] mod harness; mod lane;"),
        Source::new("runtime/src/engine/harness.rs", "fn arrange() {}"),
        Source::new("runtime/src/engine/harness/clock.rs", "fn arrange() {}"),
        Source::new("runtime/src/engine/lane.rs", "fn run() {}"),
    ]);

    let are_tests = sources[1..].iter().map(|source| source.tokens().iter().all(|token| token.is_test));

    assert_eq!(are_tests.collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn the_workspace_is_found() {
    let sources = workspace();

    let lexed = sources.iter().find(|source| source.path == "tests/tidy.rs").expect("this crate is in it");
    assert!(
        lexed
            .tokens()
            .iter()
            .any(|token| matches!(&token.kind, TokenKind::Ident(name) if name == "WORKSPACE"))
    );
}
