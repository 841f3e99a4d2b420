//! Where an actor finds the key of a message.

use tidegate::subject::Pattern;

use super::ActorDraft;
use crate::topology::conform::{closest, listed};
use crate::topology::model::{KeySource, Order};
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::{Located, Span};

/// The key source as written or the first named token, or nothing when there is no key.
pub(super) fn key_source(draft: &ActorDraft<'_>, order: Order, report: &mut Report) -> Option<KeySource> {
    let patterns = draft.subjects.as_deref()?;
    let Some(key) = &draft.table.key else {
        return default(draft, patterns, order, report);
    };
    match (&key.value.token, &key.value.header, &key.value.json) {
        (Some(token), None, None) => {
            check_token(&token.value, Some(&token.span), patterns, report);
            Some(KeySource::Token(token.value.clone()))
        }
        (None, Some(header), None) => {
            check_header(header, report);
            Some(KeySource::Header(header.value.clone()))
        }
        (None, None, Some(pointer)) => {
            check_pointer(pointer, report);
            Some(KeySource::Json(pointer.value.clone()))
        }
        _ => {
            if report.is_complete(&format!("actors.{}.key", draft.name.value)) {
                let cure = "write one of `{ token = \"order\" }`, `{ header = \"Customer\" }`, `{ json = \"/customer/id\" }`";
                bad_key(key, "a key has exactly one source", cure, report);
            }
            None
        }
    }
}

fn default(
    draft: &ActorDraft<'_>,
    patterns: &[Located<Pattern>],
    order: Order,
    report: &mut Report,
) -> Option<KeySource> {
    let subjects = draft.table.subjects.as_ref()?;
    if !report.is_complete(&format!("actors.{}.key", draft.name.value)) {
        return None;
    }
    let names = patterns.first()?.value.names();
    match (names.iter().next(), order) {
        (Some(first), _) => {
            check_token(first, None, patterns, report);
            Some(KeySource::Token(first.to_owned()))
        }
        // Without order each message is its own lane, so a key that is never found does no harm.
        (None, Order::None) => Some(KeySource::Token(String::new())),
        (None, Order::Entity) => {
            report
                .add(Rule::NoKey, &subjects.span, "no token of the subjects has a name, and there is no `key`")
                .consequence("nothing tells which messages belong to one entity, so their order cannot be kept")
                .cure("name a token: `orders.{order}.placed`; or add `key = { json = \"/order/id\" }`; or `order = \"none\"`");
            None
        }
    }
}

/// `written` is where the file names the token, if it does.
fn check_token(token: &str, written: Option<&Span>, patterns: &[Located<Pattern>], report: &mut Report) {
    for pattern in patterns {
        let names = pattern.value.names();
        if names.iter().any(|name| name == token) {
            continue;
        }
        let known: Vec<&str> = names.iter().collect();
        let cure = match (closest(token, names.iter()), written) {
            (Some(similar), Some(_)) => format!("did you mean `{similar}`?"),
            (None, Some(_)) if !known.is_empty() => {
                format!("use one of {}, or name the token in the subject", listed(&known))
            }
            _ => format!("name the token in the subject, `{{{token}}}`, or say where the key is: `key = …`"),
        };
        let message = format!("subject `{}` has no token `{token}`, the key of the actor", pattern.value);
        let finding = report.add(Rule::KeyTokenMissing, written.unwrap_or(&pattern.span), message);
        finding.consequence("its messages would have no key: they would become dead letters").cure(cure);
        if written.is_some() {
            finding.related(&pattern.span, "the token is missing here");
        }
    }
}

fn check_header(header: &Located<String>, report: &mut Report) {
    let is_plain = |character: char| character.is_ascii_graphic() && character != ':';
    if header.value.is_empty() || !header.value.chars().all(is_plain) {
        bad_key(header, "this cannot be the name of a header", "use letters, digits and `-`", report);
    }
}

fn check_pointer(pointer: &Located<String>, report: &mut Report) {
    let has_bad_escape = pointer.value.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1']));
    if !pointer.value.starts_with('/') || has_bad_escape {
        let cure = format!(
            "write the way through the payload: `json = \"/{}\"`",
            pointer.value.trim_matches('/').replace('.', "/")
        );
        bad_key(pointer, "this is no JSON pointer (RFC 6901)", &cure, report);
    }
}

fn bad_key<T>(place: &Located<T>, message: &str, cure: &str, report: &mut Report) {
    report
        .add(Rule::BadKey, &place.span, message)
        .consequence("no message would have a key: all would become dead letters")
        .cure(cure);
}
