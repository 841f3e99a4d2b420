//! The bucket in which it is written what actors may do.

use super::{BoxFuture, Revision};
use crate::message::Control;

/// Reads and writes controls, each guarded by its revision.
pub trait Controls: Send + Sync {
    /// The control of an actor and the revision of its entry; of an actor without one, [`Control::none`].
    ///
    /// # Errors
    /// [`ControlsError::Unavailable`] when the broker does not answer or refuses.
    fn find<'a>(
        &'a self,
        actor: &'a str,
    ) -> BoxFuture<'a, Result<(Control, Option<Revision>), ControlsError>>;

    /// Writes the control of an actor, into a bucket that is created if it is missing, if the revision of its entry still is `expected`; `None` means that there is no
    /// entry yet.
    ///
    /// # Errors
    /// [`ControlsError::Conflict`] when somebody else wrote it; else the entry may have been written.
    fn set<'a>(
        &'a self,
        actor: &'a str,
        control: &'a Control,
        expected: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, ControlsError>>;
}

/// Sees controls as they are written, by whomever.
pub trait ControlWatch: Send {
    /// Waits for a control. Those that are there come first, and again from time to time; one that is older than what
    /// was seen of its actor says nothing. Lasts as long as the broker is away.
    ///
    /// # Cancel safety
    /// A cancelled call loses nothing that a later one does not bring.
    fn next(&mut self) -> BoxFuture<'_, Controlled>;
}

/// An actor and its control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controlled {
    /// The actor.
    pub actor: String,
    /// What it may do.
    pub control: Control,
}

/// Why a control could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ControlsError {
    /// Somebody else wrote it since it was read.
    #[error("the control of the actor was changed by somebody else")]
    Conflict,
    /// The broker does not answer or refuses.
    #[error("the bucket of controls is unavailable: {0}")]
    Unavailable(String),
}
