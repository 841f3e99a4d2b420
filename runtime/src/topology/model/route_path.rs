//! The path of a route: segments, some of which are parameters.

use std::fmt;
use std::str::FromStr;

/// A path such as `/orders/{order}/placed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePath {
    text: Box<str>,
    segments: Box<[Segment]>,
}

/// What stands between two slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Itself.
    Literal(Box<str>),
    /// Whatever is sent, by this name.
    Parameter(Box<str>),
}

/// Why a text is not a [`RoutePath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoutePathError {
    /// It does not start with a slash.
    #[error("a path starts with `/`")]
    NoSlash,
    /// It is `/`, has two slashes in a row or one at its end, or a `.` or `..` that clients would resolve.
    #[error("path `{path}` has an empty segment")]
    EmptySegment {
        /// The path in question.
        path: String,
    },
    /// A segment has a character that needs escaping, or is half a parameter.
    #[error("segment `{segment}` has a character that a path cannot have here")]
    BadCharacter {
        /// The segment in question, escaped.
        segment: String,
    },
    /// One name stands for two segments.
    #[error("parameter `{name}` is used twice")]
    DuplicateName {
        /// The name in question.
        name: String,
    },
}

impl RoutePath {
    /// The text it was parsed from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its segments, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The names of its parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(&**name),
            Segment::Literal(_) => None,
        })
    }

    /// Whether some path belongs to both.
    pub fn overlaps(&self, other: &RoutePath) -> bool {
        self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(|pair| match pair {
                (Segment::Literal(ours), Segment::Literal(theirs)) => ours == theirs,
                (Segment::Parameter(_), _) | (_, Segment::Parameter(_)) => true,
            })
    }
}

impl fmt::Display for RoutePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for RoutePath {
    type Err = RoutePathError;

    fn from_str(text: &str) -> Result<Self, RoutePathError> {
        let rest = text.strip_prefix('/').ok_or(RoutePathError::NoSlash)?;
        let segments: Vec<Segment> =
            rest.split('/').map(|segment| parse_segment(segment, text)).collect::<Result<_, _>>()?;
        for (position, segment) in segments.iter().enumerate() {
            if let Segment::Parameter(name) = segment
                && segments[..position].contains(segment)
            {
                return Err(RoutePathError::DuplicateName { name: name.to_string() });
            }
        }
        Ok(Self { text: text.into(), segments: segments.into() })
    }
}

fn parse_segment(segment: &str, path: &str) -> Result<Segment, RoutePathError> {
    let bad_character = || RoutePathError::BadCharacter { segment: segment.escape_debug().to_string() };
    if matches!(segment, "" | "." | "..") {
        return Err(RoutePathError::EmptySegment { path: path.to_owned() });
    }
    match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) if !name.is_empty() && name.chars().all(is_name_char) => {
            Ok(Segment::Parameter(name.into()))
        }
        None if segment.chars().all(|character| is_name_char(character) || "-.~".contains(character)) => {
            Ok(Segment::Literal(segment.into()))
        }
        Some(_) | None => Err(bad_character()),
    }
}

/// What names of subjects' tokens are made of, too.
fn is_name_char(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RoutePath {
        text.parse().expect("a valid path")
    }

    #[test]
    fn names_its_parameters_in_order() {
        let path = path("/shops/{shop}/orders/{order}");

        assert_eq!(path.parameters().collect::<Vec<_>>(), ["shop", "order"]);
    }

    #[test]
    fn overlaps_when_one_path_belongs_to_both() {
        assert!(path("/orders/{order}").overlaps(&path("/orders/{id}")));
        assert!(path("/orders/{order}").overlaps(&path("/orders/new")));
        assert!(path("/{a}/placed").overlaps(&path("/orders/{b}")));
        assert!(!path("/orders/{order}/placed").overlaps(&path("/orders/{order}/paid")));
        assert!(!path("/orders").overlaps(&path("/orders/{order}")));
    }

    #[test]
    fn parse_rejects_what_clients_would_send_otherwise() {
        for text in [
            "", "orders", "/", "/orders/", "//orders", "/a/../b", "/.", "/a b", "/ä", "/a%20b", "/a?b",
            "/a#b", "/{", "/{}", "/{a}b", "/a{b}", "/{a-b}", "/{a}/{a}", "/*", "/{*rest}", "/a\r\nb",
        ] {
            assert!(text.parse::<RoutePath>().is_err(), "{text:?} was accepted");
        }
    }
}
