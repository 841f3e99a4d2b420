//! Patterns: what they match, and the subjects they become.

use std::fmt;
use std::str::FromStr;

use super::{SubjectError, TokenNames};

/// The longest subject we publish to, in bytes.
///
/// The server itself limits only the whole protocol line (4 KiB); ADR-6 advises short subjects.
pub const MAX_SUBJECT_LEN: usize = 1024;

/// A subject in which tokens may be wildcards or have names.
///
/// `orders.{order}.*` matches what the NATS filter `orders.*.*` matches and calls the second token `order`.
/// A final `>` matches one or more tokens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: Box<str>,
    tokens: Box<[Token]>,
}

/// One token of a [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Token {
    /// `orders`: matches itself.
    Literal(Box<str>),
    /// `{order}`: matches any one token and names it.
    Named(Box<str>),
    /// `*`: matches any one token.
    Any,
    /// `>`: matches all that follow, at least one.
    Rest,
}

impl Pattern {
    /// The text it was parsed from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its tokens, in order.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The NATS subject filter: names become `*`.
    pub fn filter(&self) -> String {
        let tokens: Vec<&str> = self
            .tokens
            .iter()
            .map(|token| match token {
                Token::Literal(literal) => literal,
                Token::Named(_) | Token::Any => "*",
                Token::Rest => ">",
            })
            .collect();
        tokens.join(".")
    }

    /// The names of its tokens with their positions.
    pub fn names(&self) -> TokenNames {
        let named = self.tokens.iter().enumerate().filter_map(|(position, token)| match token {
            Token::Named(name) => Some((name.clone(), position)),
            Token::Literal(_) | Token::Any | Token::Rest => None,
        });
        TokenNames(named.collect())
    }

    /// Whether `subject`, a subject without wildcards, is one of those it stands for.
    pub fn matches(&self, subject: &str) -> bool {
        let mut parts = subject.split('.');
        for token in &self.tokens {
            let Some(part) = parts.next() else { return false };
            match token {
                Token::Literal(literal) if **literal != *part => return false,
                Token::Rest => return true,
                Token::Literal(_) | Token::Named(_) | Token::Any => {}
            }
        }
        parts.next().is_none()
    }

    /// Whether every subject that `other` stands for is one that `self` stands for.
    pub fn captures(&self, other: &Pattern) -> bool {
        let mut theirs = other.tokens.iter();
        for ours in &self.tokens {
            match (ours, theirs.next()) {
                (Token::Rest, Some(_)) => return true,
                (_, None) | (Token::Literal(_) | Token::Named(_) | Token::Any, Some(Token::Rest)) => {
                    return false;
                }
                (Token::Literal(ours), Some(Token::Literal(theirs))) if ours != theirs => return false,
                (Token::Literal(_), Some(Token::Named(_) | Token::Any)) => return false,
                (_, Some(_)) => {}
            }
        }
        theirs.next().is_none()
    }

    /// Whether some subject belongs to both.
    pub fn overlaps(&self, other: &Pattern) -> bool {
        let (mut ours, mut theirs) = (self.tokens.iter(), other.tokens.iter());
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) | (Some(Token::Rest), Some(_)) | (Some(_), Some(Token::Rest)) => return true,
                (None, Some(_)) | (Some(_), None) => return false,
                (Some(Token::Literal(ours)), Some(Token::Literal(theirs))) if ours != theirs => return false,
                (Some(_), Some(_)) => {}
            }
        }
    }

    /// The subject in which every name is replaced by its value.
    ///
    /// # Errors
    /// When a name has no value, a value is not one plain token (fact of NATS: a published wildcard or a
    /// `$JS.API` subject is a command), the pattern has a wildcard, or the result is too long.
    pub fn render<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> Result<String, SubjectError> {
        let mut subject = String::with_capacity(self.text.len() + 32);
        for (position, token) in self.tokens.iter().enumerate() {
            if position > 0 {
                subject.push('.');
            }
            match token {
                Token::Literal(literal) => subject.push_str(literal),
                Token::Named(name) => subject.push_str(self.checked_value(name, value(name))?),
                Token::Any | Token::Rest => {
                    return Err(SubjectError::Wildcard { pattern: self.text.to_string() });
                }
            }
        }
        if subject.len() > MAX_SUBJECT_LEN {
            return Err(SubjectError::TooLong { length: subject.len() });
        }
        if is_reserved(&subject) {
            return Err(SubjectError::Reserved { subject });
        }
        Ok(subject)
    }

    fn checked_value<'a>(&self, name: &str, value: Option<&'a str>) -> Result<&'a str, SubjectError> {
        let Some(value) = value else {
            return Err(SubjectError::MissingToken { name: name.to_owned(), pattern: self.text.to_string() });
        };
        if value.is_empty() {
            return Err(SubjectError::EmptyToken { subject: self.text.to_string() });
        }
        if value.contains(['.', '*', '>']) || !value.chars().all(is_token_char) {
            return Err(SubjectError::BadCharacter {
                token: value.chars().take(64).collect::<String>().escape_debug().to_string(),
            });
        }
        Ok(value)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Pattern {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        if text.is_empty() {
            return Err(SubjectError::Empty);
        }
        if text.len() > MAX_SUBJECT_LEN {
            return Err(SubjectError::TooLong { length: text.len() });
        }
        if is_reserved(text) {
            return Err(SubjectError::Reserved { subject: text.to_owned() });
        }
        let tokens: Vec<Token> =
            text.split('.').map(|token| parse_token(token, text)).collect::<Result<_, _>>()?;
        if tokens.iter().rev().skip(1).any(|token| *token == Token::Rest) {
            return Err(SubjectError::RestNotLast { subject: text.to_owned() });
        }
        for (position, token) in tokens.iter().enumerate() {
            if let Token::Named(name) = token
                && tokens[..position].contains(token)
            {
                return Err(SubjectError::DuplicateName { name: name.to_string() });
            }
        }
        Ok(Self { text: text.into(), tokens: tokens.into() })
    }
}

fn parse_token(token: &str, subject: &str) -> Result<Token, SubjectError> {
    let bad_character = || SubjectError::BadCharacter { token: token.escape_debug().to_string() };
    match token {
        "" => Err(SubjectError::EmptyToken { subject: subject.to_owned() }),
        "*" => Ok(Token::Any),
        ">" => Ok(Token::Rest),
        _ => match token.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) if is_name(name) => Ok(Token::Named(name.into())),
            None if token
                .chars()
                .all(|character| is_token_char(character) && !"*>{}".contains(character)) =>
            {
                Ok(Token::Literal(token.into()))
            }
            Some(_) | None => Err(bad_character()),
        },
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn is_token_char(character: char) -> bool {
    !character.is_whitespace() && !character.is_control()
}

fn is_reserved(subject: &str) -> bool {
    subject.starts_with('$') || subject.split('.').next() == Some("_INBOX")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().expect("a valid pattern")
    }

    #[test]
    fn names_tokens_by_position() {
        let names = pattern("orders.{order}.*.{line}").names();

        assert_eq!(names.find("order", "orders.42.placed.7"), Some("42"));
        assert_eq!(names.find("line", "orders.42.placed.7"), Some("7"));
        assert_eq!(names.find("sku", "orders.42.placed.7"), None);
    }

    #[test]
    fn captures_what_every_matching_subject_satisfies() {
        assert!(pattern("orders.>").captures(&pattern("orders.{order}.placed")));
        assert!(pattern("orders.*.*").captures(&pattern("orders.{order}.placed")));
        assert!(!pattern("orders.*.placed").captures(&pattern("orders.{order}.*")));
        assert!(!pattern("orders.*").captures(&pattern("orders.>")));
        assert!(!pattern("orders.>").captures(&pattern("orders")));
    }

    #[test]
    fn overlaps_when_one_subject_belongs_to_both() {
        assert!(pattern("orders.*.placed").overlaps(&pattern("orders.42.*")));
        assert!(pattern("orders.>").overlaps(&pattern("*.42")));
        assert!(!pattern("orders.*.placed").overlaps(&pattern("orders.*.paid")));
        assert!(!pattern("orders.>").overlaps(&pattern("orders")));
    }

    #[test]
    fn refuses_to_render_what_the_server_would_take_for_a_command() {
        let port = pattern("payments.{order}.authorized");
        let render = |value: &str| port.render(|_| Some(value));

        assert_eq!(render("42").as_deref(), Ok("payments.42.authorized"));
        for value in ["", "a.b", "*", ">", "a b", "a\r\nPUB x", "\u{0}"] {
            assert!(render(value).is_err(), "{value:?} was let through");
        }
        let whole = pattern("{everything}");
        assert!(whole.render(|_| Some("$JS")).is_err());
        assert_eq!(render(&"x".repeat(5000)), Err(SubjectError::TooLong { length: 5020 }));
    }

    #[test]
    fn parse_rejects_malformed_subjects() {
        for text in
            ["", "a..b", ".a", "a.", "a.>.b", "a.{b", "a.{}", "{a}.{a}", "a b", "$JS.API", "_INBOX.x", "a.b*"]
        {
            assert!(text.parse::<Pattern>().is_err(), "{text:?} was accepted");
        }
    }
}
