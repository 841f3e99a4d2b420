//! Which token of a stream's subjects decides the shard of a message.

use tidegate::subject::{Pattern, Token};

use crate::message::ShardPrefix;

/// The token by which a stream is split into shards: the first one that all its subjects name at the same place.
///
/// The server computes the shard: FNV-1a 32 of the token, modulo the number of shards (ADR-30).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardToken {
    /// Its name in the first of the subjects.
    pub name: Box<str>,
    /// Its place in the subjects, from 0.
    pub place: usize,
    /// How many tokens the subjects have.
    length: usize,
}

/// Why subjects cannot be split into shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShardTokenError {
    /// One of them ends in `>`.
    #[error("a final `>` leaves open how many tokens they have")]
    Rest,
    /// They have different numbers of tokens.
    #[error("they have different numbers of tokens")]
    Lengths,
    /// No token has the same name at the same place in all of them.
    #[error("no token has the same name at the same place in all of them")]
    NoToken,
}

impl ShardToken {
    /// The token by which a stream of these subjects is split.
    ///
    /// # Errors
    /// When there is none; also when there are no subjects.
    pub fn of<'a>(subjects: impl IntoIterator<Item = &'a Pattern>) -> Result<Self, ShardTokenError> {
        let subjects: Vec<&[Token]> = subjects.into_iter().map(Pattern::tokens).collect();
        let first = *subjects.first().ok_or(ShardTokenError::NoToken)?;
        if subjects.iter().any(|tokens| tokens.contains(&Token::Rest)) {
            return Err(ShardTokenError::Rest);
        }
        if subjects.iter().any(|tokens| tokens.len() != first.len()) {
            return Err(ShardTokenError::Lengths);
        }
        let mut named = first.iter().enumerate().filter_map(|(place, token)| match token {
            Token::Named(name) if subjects.iter().all(|tokens| tokens[place] == *token) => {
                Some(Self { name: name.clone(), place, length: first.len() })
            }
            Token::Named(_) | Token::Literal(_) | Token::Any | Token::Rest => None,
        });
        named.next().ok_or(ShardTokenError::NoToken)
    }

    /// What the server transforms: all subjects of this length.
    pub fn source(&self) -> String {
        vec!["*"; self.length].join(".")
    }

    /// What it makes of them: the [`ShardPrefix`] of the shard among `shards`, then the subject as it was.
    pub fn destination(&self, shards: u32) -> String {
        let partition =
            format!("{{{{partition({shards},{})}}}}.{}.{shards}", self.place + 1, ShardPrefix::OF);
        let tokens = (1..=self.length).map(|token| format!(".{{{{wildcard({token})}}}}"));
        tokens.fold(partition, |destination, token| destination + &token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(subjects: &[&str]) -> Result<(String, usize), ShardTokenError> {
        let patterns: Vec<Pattern> =
            subjects.iter().map(|subject| subject.parse().expect("a valid pattern")).collect();
        ShardToken::of(&patterns).map(|token| (token.name.to_string(), token.place))
    }

    #[test]
    fn it_is_the_first_that_all_subjects_name_at_the_same_place() {
        assert_eq!(token(&["orders.{order}.{line}"]), Ok(("order".to_owned(), 1)));
        assert_eq!(token(&["orders.{order}.*", "returns.{order}.{reason}"]), Ok(("order".to_owned(), 1)));
        assert_eq!(token(&["{shop}.orders.{order}", "eu.{shop}.{order}"]), Ok(("order".to_owned(), 2)));
    }

    #[test]
    fn subjects_without_such_a_token_have_none() {
        assert_eq!(token(&["orders.{order}.*", "orders.{order}"]), Err(ShardTokenError::Lengths));
        assert_eq!(token(&["orders.{order}.>"]), Err(ShardTokenError::Rest));
        assert_eq!(token(&["orders.*.placed"]), Err(ShardTokenError::NoToken));
        assert_eq!(token(&["orders.{order}", "returns.{return}"]), Err(ShardTokenError::NoToken));
        assert_eq!(token(&[]), Err(ShardTokenError::NoToken));
    }

    #[test]
    fn the_transform_keeps_the_subject_behind_the_prefix() {
        let pattern: Pattern = "orders.{order}.*".parse().expect("a valid pattern");
        let token = ShardToken::of([&pattern]).expect("it has a named token");

        assert_eq!(token.source(), "*.*.*");
        assert_eq!(
            token.destination(4),
            "{{partition(4,2)}}.of.4.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}"
        );
    }
}
