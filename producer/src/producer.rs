//! The producer: what a service publishes with.

use std::fmt;
use std::sync::Arc;

use async_nats::Client;
use futures_util::Stream;

use crate::builder::Builder;
use crate::outlet::Outlet;
use crate::publish_all;
use crate::{Event, Flow, PublishError, Receipt, Throttled, Unpublished};

/// Publishes events and awaits that they are stored, no faster than their streams take them.
///
/// Clones are cheap and share everything: connection, window, flow. What is known of the streams' flow is kept up to
/// date in the background until the last clone is gone.
#[derive(Clone)]
pub struct Producer {
    outlet: Arc<Outlet>,
}

impl Producer {
    /// A producer over this connection, which is the caller's and may be used for other things as well.
    pub fn builder(client: Client) -> Builder {
        Builder::new(client)
    }

    pub(crate) async fn start(builder: Builder) -> Self {
        Self { outlet: Arc::new(Outlet::new(builder).await) }
    }

    /// Publishes an event and waits until a stream has stored it.
    ///
    /// It also waits while the stream is stopped or full, and for its turn while it is slow. An offer that nobody
    /// answers is made again with the same id.
    ///
    /// # Errors
    /// See [`PublishError`]. Waiting is no error unless the producer was given
    /// [`patience`](Builder::patience).
    ///
    /// # Cancel safety
    /// A call that is cancelled while it waits for its turn has stored nothing. One that is cancelled later may have:
    /// publishing the same event with the same id again is safe. The place among those who wait is lost.
    pub async fn publish(&self, event: Event) -> Result<Receipt, PublishError> {
        let parcel = self.outlet.parcel(event).map_err(|unfit| unfit.error)?;
        self.outlet.publish(&parcel).await
    }

    /// Publishes an event if its stream takes it at this moment, and waits until it is stored.
    ///
    /// # Errors
    /// [`PublishError::Overloaded`], at once, while the stream is stopped, full, or slow and its share used up, or
    /// while as many events as the window holds are on their way. Else as [`Producer::publish`], but an offer without
    /// an answer is not made again.
    ///
    /// # Cancel safety
    /// As [`Producer::publish`].
    pub async fn try_publish(&self, event: Event) -> Result<Receipt, PublishError> {
        let parcel = self.outlet.parcel(event).map_err(|unfit| unfit.error)?;
        self.outlet.try_publish(&parcel).await
    }

    /// Publishes many events in their order, at most the window of them on their way, and gives the results in that
    /// order.
    ///
    /// Nothing happens unless the results are read, and dropping them ends it. An event that fails does not end it;
    /// who wants that stops reading, and knows that up to a window of later ones may be stored.
    ///
    /// When the stream refuses an event because it is full, or nobody answers, later ones may be on their way: they
    /// are awaited, and what is not stored is offered again in its order before anything else is sent. So order holds
    /// but for the events of one window, and for those with the same [`key`](Event::key) always.
    ///
    /// # Errors
    /// The results' are those of [`Producer::publish`], with the event's index and id.
    pub fn publish_all<S>(&self, events: S) -> impl Stream<Item = Result<Receipt, Unpublished>> + use<S>
    where
        S: Stream<Item = Event>,
    {
        publish_all::publish_all(Arc::clone(&self.outlet), events)
    }

    /// What is known of the stream that takes `subject`; `None` when nothing is, or it is out of date.
    pub fn flow(&self, subject: &str) -> Option<Flow> {
        self.outlet.gates.find(subject)?.flow().map(|flow| Flow::clone(&flow))
    }

    /// What backpressure has cost so far.
    pub fn throttled(&self) -> Throttled {
        self.outlet.counters.read()
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").finish_non_exhaustive()
    }
}
