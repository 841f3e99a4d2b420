//! Taps over plain publishes: who listens sees messages, and who stops asking sees none.

use async_nats::Subscriber;
use futures_util::StreamExt;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::bounded::{LIMIT, bounded};
use super::{Connection, names};
use crate::message::{TapRequest, Tapped};
use crate::port::{BoxFuture, TapWatch, Taps};
use crate::topology::TopologyName;

/// The wait before a subscription that failed is tried again.
const AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// The taps of a topology over one connection: hears requests on `tidegate.{topology}.tap.{actor}`, shows messages on
/// `tidegate.{topology}.taps.{actor}`.
#[derive(Debug, Clone)]
pub struct NatsTaps {
    connection: Connection,
    topology: TopologyName,
}

/// Hears who asks.
#[derive(Debug)]
struct NatsTapWatch {
    taps: NatsTaps,
    subscription: Option<Subscriber>,
}

/// What one actor's taps show.
#[derive(Debug)]
pub struct TapStream(Subscriber);

impl NatsTaps {
    /// The taps of a topology.
    pub fn new(connection: Connection, topology: TopologyName) -> Self {
        Self { connection, topology }
    }

    /// Asks all instances for messages of an actor; who does not hear it asks in vain. `None` when the request could not
    /// be sent in time.
    pub async fn ask(&self, actor: &str, request: &TapRequest) -> Option<()> {
        let payload = serde_json::to_vec(request).expect("a request is JSON");
        let client = self.connection.client();
        bounded(client.publish(names::tap_subject(&self.topology, actor), payload.into())).await?.ok()?;
        bounded(client.flush()).await?.ok()
    }

    /// Listens to what is shown of an actor. `None` when there is no connection in time.
    pub async fn listen(&self, actor: &str) -> Option<TapStream> {
        let subscribing = self.connection.client().subscribe(names::tapped_subject(&self.topology, actor));
        bounded(subscribing).await?.ok().map(TapStream)
    }
}

impl TapStream {
    /// What is shown next; `None` when the connection is gone for good. Cancel safe.
    pub async fn next(&mut self) -> Option<Tapped> {
        loop {
            let message = self.0.next().await?;
            match serde_json::from_slice(&message.payload) {
                Ok(tapped) => return Some(tapped),
                Err(error) => debug!(subject = %message.subject, %error, "this is nothing that a tap shows"),
            }
        }
    }
}

impl Taps for NatsTaps {
    fn watch(&self) -> Box<dyn TapWatch> {
        Box::new(NatsTapWatch { taps: self.clone(), subscription: None })
    }

    fn show<'a>(&'a self, tapped: &'a Tapped) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let subject = names::tapped_subject(&self.topology, &tapped.actor);
            let payload = serde_json::to_vec(tapped).expect("it is JSON");
            let published = bounded(self.connection.client().publish(subject, payload.into())).await;
            if !matches!(published, Some(Ok(()))) {
                debug!(actor = %tapped.actor, "a message is not shown: the connection is clogged");
            }
        })
    }
}

impl NatsTapWatch {
    async fn wait(&mut self) -> Option<(String, TapRequest)> {
        let all = names::tap_subject(&self.taps.topology, "*");
        let Some(subscription) = &mut self.subscription else {
            match timeout(LIMIT, self.taps.connection.client().subscribe(all)).await {
                Ok(Ok(subscription)) => self.subscription = Some(subscription),
                Ok(Err(_)) | Err(_) => sleep(AGAIN).await,
            }
            return None;
        };
        let Some(message) = subscription.next().await else {
            self.subscription = None;
            sleep(AGAIN).await;
            return None;
        };
        let actor = message.subject.strip_prefix(all.trim_end_matches('*'))?.to_owned();
        Some((actor, serde_json::from_slice(&message.payload).ok()?))
    }
}

impl TapWatch for NatsTapWatch {
    fn next(&mut self) -> BoxFuture<'_, (String, TapRequest)> {
        Box::pin(async move {
            loop {
                if let Some(request) = self.wait().await {
                    return request;
                }
            }
        })
    }
}
