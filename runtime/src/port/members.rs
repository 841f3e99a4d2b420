//! Who else is at work: the bucket in which every instance tells about itself.

use super::{BoxFuture, Revision};
use crate::message::{InstanceId, Member};

/// The bucket of members. Every entry is guarded by its revision: whoever writes it knows what it replaces.
pub trait Members: Send {
    /// Writes the entry of `member` if its revision still is `replaced`; `None` means that the bucket has never heard
    /// of this id, or no longer knows.
    ///
    /// # Errors
    /// [`MembersError::Conflict`] when there is something else; a [`roll_call`](Self::roll_call) tells what. A write
    /// that was [`Unavailable`](MembersError::Unavailable) may have happened, and conflicts with the next one then.
    fn announce<'a>(
        &'a mut self,
        member: &'a Member,
        replaced: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, MembersError>>;

    /// All that the bucket holds, ourselves and those that have left included.
    ///
    /// A replica that lags may answer. It has all that was written before the entries that it has, so who finds his own
    /// latest entry in the answer sees all that was there when he wrote it.
    fn roll_call(&mut self) -> BoxFuture<'_, Result<Vec<Sighting>, MembersError>>;

    /// Marks the entry as left if its revision still is `replaced`.
    fn leave<'a>(
        &'a mut self,
        instance: &'a InstanceId,
        replaced: Revision,
    ) -> BoxFuture<'a, Result<(), MembersError>>;
}

/// One entry of the bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// Whose it is.
    pub instance: InstanceId,
    /// Its revision.
    pub revision: Revision,
    /// What it says; `None` when the instance has left, or wrote what we cannot read.
    pub member: Option<Member>,
}

/// Why the bucket could not be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MembersError {
    /// The entry is not what we wanted to replace.
    #[error("the entry of the instance was changed by somebody else")]
    Conflict,
    /// There is no such bucket.
    #[error("the bucket `{0}` does not exist")]
    Missing(String),
    /// The broker does not answer or refuses.
    #[error("the bucket of members is unavailable: {0}")]
    Unavailable(String),
}
