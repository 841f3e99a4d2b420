//! Where the answers to pull requests arrive.

use std::pin::Pin;
use std::task::{Context, Poll};

use async_nats::{Client, Message, Subscriber};
use futures_util::Stream;
use tokio::time::Instant;

use super::bounded::bounded;
use super::shard::{clogged, unavailable};
use crate::port::SourceError;

/// The most messages taken at once.
const BATCH: usize = 256;

/// A subscription of its own for each time a source starts pulling, so that nothing asked for before can arrive.
#[derive(Debug)]
pub(super) struct Inbox {
    address: String,
    requests: u64,
    subscriber: Subscriber,
    /// When anything last arrived, or was first waited for.
    pub(super) heard: Instant,
}

impl Inbox {
    pub(super) async fn open(client: &Client) -> Result<Self, SourceError> {
        let address = client.new_inbox();
        match bounded(client.subscribe(format!("{address}.*"))).await {
            Some(Ok(subscriber)) => Ok(Self { address, requests: 0, subscriber, heard: Instant::now() }),
            Some(Err(error)) => Err(unavailable(&error)),
            None => Err(clogged()),
        }
    }

    /// The reply subject for another request.
    pub(super) fn reply(&mut self) -> String {
        self.requests += 1;
        format!("{}.{}", self.address, self.requests)
    }

    /// Moves everything that has arrived into `messages`, at most 256 at once; waits for the first. Leaves `messages`
    /// empty when nothing will arrive any more.
    ///
    /// # Cancel safety
    /// A cancelled call takes nothing.
    pub(super) async fn receive(&mut self, messages: &mut Vec<Message>) {
        std::future::poll_fn(|cx| self.poll_receive(cx, messages)).await;
        self.heard = Instant::now();
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>, messages: &mut Vec<Message>) -> Poll<()> {
        while messages.len() < BATCH {
            match Pin::new(&mut self.subscriber).poll_next(cx) {
                Poll::Ready(Some(message)) => messages.push(message),
                Poll::Pending if messages.is_empty() => return Poll::Pending,
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        Poll::Ready(())
    }

    /// Tells the server that nobody listens here any more, which ends all requests. What has arrived is lost.
    pub(super) async fn discard(mut self) {
        if bounded(self.subscriber.unsubscribe()).await.is_none() {
            tracing::debug!(
                "could not unsubscribe in time; the subscription ends when the connection is back"
            );
        }
    }
}
