//! What dead letters of one cause have in common: actor, reason, and the error without what differs each time. Pure.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::message::dead_letter::Epitaph;

/// Keys that are shorter may well be words of the error.
const SHORTEST_KEY: usize = 3;

/// What stands for a number, an id, or anything else with a digit in it.
const NUMBER: char = '#';

/// The common cause of some dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// Its name: eight hexadecimal digits.
    pub(super) id: String,
    /// The error with `#` for what has digits, and `{key}` for the entity.
    pub(super) error: String,
}

impl Fingerprint {
    pub(super) fn of(epitaph: &Epitaph) -> Self {
        let error = normalised(&epitaph.error, &epitaph.key);
        let mut hash = Sha256::new();
        for part in [&epitaph.actor, &epitaph.reason, &error] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let mut id = String::new();
        for byte in hash.finalize().iter().take(4) {
            write!(id, "{byte:02x}").expect("a string takes all that is written to it");
        }
        Self { id, error }
    }
}

fn normalised(error: &str, key: &str) -> String {
    let mut text = String::with_capacity(error.len());
    let is_word = |character: char| character.is_alphanumeric() || character == '-' || character == '_';
    let mut rest = error;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|character| is_word(character) != is_word(first)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        match run {
            run if !is_word(first) => text.push_str(run),
            run if run == key && key.len() >= SHORTEST_KEY => text.push_str("{key}"),
            run if run.contains(|character: char| character.is_ascii_digit()) => text.push(NUMBER),
            run => text.push_str(run),
        }
        rest = after;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_each_time_is_left_out() {
        let text = |error| normalised(error, "customer");

        assert_eq!(text("order 4711 of customer: no sku 8f3a-01"), "order # of {key}: no sku #");
        assert_eq!(text("took longer than 2.5s"), "took longer than #.#");
        assert_eq!(text("größer als erlaubt"), "größer als erlaubt");
        assert_eq!(text(""), "");
    }

    #[test]
    fn a_short_key_is_taken_for_a_word() {
        assert_eq!(normalised("not a number", "a"), "not a number");
    }
}
