//! Where deliveries come from: one shard of one actor.

use tidegate::Message;

use super::{BoxFuture, Receipt};

/// One durable consumer, pulled by its one owner.
///
/// Whoever wants to pull [acquires](Self::acquire) the right first, looks at what is [pending](Self::pending),
/// [claims](Self::claim) what is missing, and only then handles anything.
pub trait Source: Send {
    /// Waits until the broker lets nobody else pull, and grants the source's [`Tenure`](super::Tenure); returns what
    /// came with the grant. Where the right is held already it is only confirmed.
    ///
    /// # Errors
    /// When the broker does not answer or refuses.
    ///
    /// # Cancel safety
    /// A cancelled call may have acquired the right: [`release`](Self::release) it, or acquire again.
    fn acquire(&mut self) -> BoxFuture<'_, Result<Arrivals, SourceError>>;

    /// Takes the right from whoever has it, so that the next acquirer gets it; returns whether anyone had it but us.
    /// For a right that nobody uses and the broker does not let lapse.
    ///
    /// # Errors
    /// When the broker does not answer or refuses.
    fn evict(&mut self) -> BoxFuture<'_, Result<bool, SourceError>>;

    /// Gives the right back, so that the next owner need not wait until it lapses.
    fn release(&mut self) -> BoxFuture<'_, ()>;

    /// Waits for messages, having asked the broker for as many as `room` allows beyond what is already asked for.
    ///
    /// Without room it asks for nothing more, but still returns what is on its way. What was asked for once may
    /// arrive at any later call, so a caller that lowers `room` must keep places for it.
    ///
    /// # Errors
    /// [`SourceError::Interrupted`] or [`SourceError::Stalled`] when messages may have been lost on the way to us: the caller must look at
    /// [`pending`](Self::pending) and claim what is missing before it goes on, or order breaks.
    ///
    /// # Cancel safety
    /// A cancelled call loses nothing.
    fn next(&mut self, room: Room) -> BoxFuture<'_, Result<Arrivals, SourceError>>;

    /// What the broker counts as delivered and not settled. Ends what was asked for before, so that nothing else is
    /// on its way.
    ///
    /// # Errors
    /// [`SourceError::Interrupted`] when the right to pull is not ours (any more).
    fn pending(&mut self) -> BoxFuture<'_, Result<Pending, SourceError>>;

    /// Makes the broker deliver these again if they are pending: at once, in this order, before anything newer.
    fn claim<'a>(&'a mut self, sequences: &'a [u64]) -> BoxFuture<'a, Result<(), SourceError>>;

    /// Asks for nothing more; afterwards only what arrived already comes from [`next`](Self::next), and an empty
    /// batch says that this was all.
    fn close(&mut self) -> BoxFuture<'_, ()>;
}

/// A batch in stream order, redeliveries aside.
pub type Arrivals = Vec<Arrival>;

/// A message that arrived, before anyone owns it.
#[derive(Debug)]
pub struct Arrival {
    /// The message; its key and token names are not filled in.
    pub message: Message,
    /// How often the broker has delivered it, from 1.
    pub delivered: u32,
    /// What settles it.
    pub receipt: Receipt,
}

/// How much more a shard can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Messages, those asked for and not yet arrived included.
    pub messages: usize,
    /// Bytes of subject, headers and payload, those asked for and not yet arrived included.
    pub bytes: usize,
}

/// What a consumer counts as delivered and not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pending {
    /// Up to and with this stream sequence everything is settled.
    pub floor: u64,
    /// The highest stream sequence that was delivered.
    pub last: u64,
    /// How many in between are not settled.
    pub count: u64,
}

/// Why a source cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The connection, the consumer, its leader or its owner changed: messages on their way to us may be lost.
    #[error("interrupted: {0}")]
    Interrupted(String),
    /// The broker has messages for us, lets us wait for them, and delivers nothing. To be treated as an interruption.
    #[error("stalled: {0}")]
    Stalled(String),
    /// The broker does not answer.
    #[error("the broker is unavailable: {0}")]
    Unavailable(String),
    /// The broker refuses: a permission or a stream is missing.
    #[error("the broker refuses: {0}")]
    Denied(String),
}
