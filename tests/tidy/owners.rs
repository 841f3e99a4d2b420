//! Which part of the runtime owns a crate, the terminal and the exit code.

use super::Violation;
use super::floors::module_of;
use super::source::Source;
use super::tokens::Token;

const RUNTIME: &str = "runtime/src/";

/// The name of a crate, and the module that alone may use it.
const CRATES: [(&str, &str); 3] = [("async_nats", "nats"), ("actix", "engine"), ("actix_rt", "engine")];

const PRINTING: [&str; 4] = ["print", "println", "eprint", "eprintln"];
const TERMINAL_OWNER: &str = "cli";

/// Every use of a crate, the terminal or the exit code outside its owner.
pub(super) fn trespasses(source: &Source) -> Vec<Violation> {
    if !source.path.starts_with(RUNTIME) {
        return Vec::new();
    }
    let module = module_of(source).unwrap_or("the crate's root");
    let mut found = Vec::new();
    for (at, token) in source.tokens().iter().enumerate() {
        let around = Around { tokens: source.tokens(), at };
        if let Some((name, owner)) = around.used_crate().filter(|(_, owner)| *owner != module) {
            found.push(source.violation(token.line, format!("only `{owner}` uses `{name}`, not {module}")));
        }
        if module != TERMINAL_OWNER && !token.is_test && (around.prints() || around.exits()) {
            let rule = format!("only `{TERMINAL_OWNER}` prints and knows exit codes, not {module}");
            found.push(source.violation(token.line, rule));
        }
    }
    found
}

/// A token and its neighbours.
struct Around<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Around<'_> {
    fn used_crate(&self) -> Option<(&'static str, &'static str)> {
        let is_path =
            self.next().is_some_and(Token::is_separator) && !self.before().is_some_and(Token::is_separator);
        let is_import = self.before().is_some_and(|token| token.is("use") || token.is("crate"));
        let here = &self.tokens[self.at];
        CRATES.into_iter().find(|(name, _)| here.is(name) && (is_path || is_import))
    }

    fn prints(&self) -> bool {
        let here = &self.tokens[self.at];
        PRINTING.iter().any(|name| here.is(name)) && self.next().is_some_and(|token| token.is_punct('!'))
    }

    fn exits(&self) -> bool {
        matches!(&self.tokens[self.at..], [process, separator, exit, ..]
            if process.is("process") && separator.is_separator() && exit.is("exit"))
    }

    fn next(&self) -> Option<&Token> {
        self.tokens.get(self.at + 1)
    }

    fn before(&self) -> Option<&Token> {
        self.tokens.get(self.at.checked_sub(1)?)
    }
}

#[cfg(test)]
fn is_refused(path: &str, text: &str) -> bool {
    !trespasses(&Source::new(path, text)).is_empty()
}

#[test]
fn crates_are_refused_outside_their_owner() {
    assert!(is_refused("runtime/src/engine/lane.rs", "use async_nats::Client;"));
    assert!(is_refused("runtime/src/lib.rs", "pub use async_nats;"));
    assert!(is_refused("runtime/src/nats/sink.rs", "fn f(_: &actix::Addr<A>) {}"));
    assert!(is_refused("runtime/src/cli/run.rs", "fn f() { actix_rt::System::new(); }"));
}

#[test]
fn owners_use_what_they_own() {
    assert!(!is_refused("runtime/src/nats.rs", "use async_nats::Client;"));
    assert!(!is_refused("runtime/src/engine/lane.rs", "use actix::Addr; fn f() { actix_rt::spawn(g()); }"));
    assert!(!is_refused("runtime/src/cli/run.rs", "fn f() { println!(\"{}\", 1); std::process::exit(2) }"));
    assert!(!is_refused("tests/support/nats.rs", "use async_nats::Client;"));
}

#[test]
fn printing_and_exiting_are_refused_outside_the_command_line() {
    assert!(is_refused("runtime/src/engine/lane.rs", "fn f() { println!(\"x\") }"));
    assert!(is_refused("runtime/src/telemetry/init.rs", "fn f() { eprint!(\"x\") }"));
    assert!(is_refused("runtime/src/engine/drain.rs", "fn f() { std::process::exit(1) }"));
    assert!(!is_refused("runtime/src/engine/lane.rs", "fn f() { print(); writeln!(w, \"x\"); }"));
}
