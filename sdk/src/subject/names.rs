//! The names of a subject's tokens.

use std::sync::Arc;

/// Token names with the positions they stand for; cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenNames(pub(super) Arc<[(Box<str>, usize)]>);

impl TokenNames {
    /// The value that `name` has in `subject`.
    pub fn find<'a>(&self, name: &str, subject: &'a str) -> Option<&'a str> {
        let (_, position) = self.0.iter().find(|(candidate, _)| **candidate == *name)?;
        subject.split('.').nth(*position)
    }

    /// The names, in the order of their positions.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }
}
