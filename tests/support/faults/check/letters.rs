//! I14: a dead letter is the message, unchanged, with its place and a reason.

use super::case::{Case, Message};
use super::outcome::place;
use super::{Invariant, Violation, violation};
use crate::faults::Letter;

/// I14.
pub(super) fn letters(case: &Case<'_>) -> Vec<Violation> {
    let pairs = case
        .messages
        .values()
        .flat_map(|message| message.letters.iter().map(move |letter| (message, *letter)));
    pairs
        .filter_map(|(message, letter)| {
            let what = difference(message, letter)?;
            let text = format!("the {what} of the dead letter of {} is not the message's", place(message));
            Some(violation(Invariant::DeadLetter, text))
        })
        .collect()
}

fn difference(message: &Message<'_>, letter: &Letter) -> Option<&'static str> {
    let stored = message.stored;
    let is_reason_true = letter.reason == "failed" || letter.reason == "exhausted";
    [
        (letter.payload == stored.payload, "payload"),
        (letter.headers == stored.headers, "headers"),
        (letter.subject == stored.subject, "subject"),
        (is_reason_true, "reason"),
    ]
    .into_iter()
    .find_map(|(is_same, what)| (!is_same).then_some(what))
}
