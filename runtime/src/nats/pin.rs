//! The server's pin: of all who pull a consumer's group, one is given its messages (ADR-42).

use std::sync::Arc;
use std::time::Duration;

use async_nats::client::RequestError;
use async_nats::jetstream::consumer::{Info, PriorityPolicy, pull};
use async_nats::{HeaderMap, Message};
use bytes::Bytes;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, warn};

use super::Connection;
use super::bounded::bounded;
use crate::port::Tenure;

/// The one group that all owners of a shard pull in.
pub const GROUP: &str = "owner";

/// The header that tells who is pinned; the server adds it to every delivery.
pub(super) const PIN_ID: &str = "Nats-Pin-Id";

/// How many renewals fit into one term: two may get lost, and one may be late.
const RENEWALS: u32 = 4;

/// What we know of the pin of one consumer.
#[derive(Debug)]
pub(super) struct Pin {
    tenure: Arc<Tenure>,
    is_required: bool,
    id: Option<Arc<str>>,
    renewal: Option<AbortOnDropHandle<()>>,
}

/// What the server says to a renewal.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// It took the request.
    Taken,
    /// Somebody else is pinned.
    Refused,
    /// Nothing, or nothing that tells.
    Unclear,
}

impl Pin {
    /// Nobody is pinned yet. A consumer that pins nobody is pulled by whoever wants.
    pub(super) fn new(consumer: &pull::Config, tenure: Arc<Tenure>) -> Self {
        let is_required = consumer.priority_policy == PriorityPolicy::PinnedClient;
        Self { tenure, is_required, id: None, renewal: None }
    }

    pub(super) fn tenure(&self) -> &Tenure {
        &self.tenure
    }

    /// What a pull request says of the group; nothing where there is none.
    pub(super) fn group(&self) -> Option<&'static str> {
        self.is_required.then_some(GROUP)
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Learns from a delivery that we are pinned.
    pub(super) fn learn(&mut self, headers: Option<&HeaderMap>) {
        if self.is_required
            && self.id.is_none()
            && let Some(id) = headers.and_then(|headers| headers.get(PIN_ID))
        {
            self.id = Some(id.as_str().into());
        }
    }

    /// Whether the server has pinned us, as the consumer's state tells.
    pub(super) fn is_ours(&self, info: &Info) -> bool {
        !self.is_required || self.id.is_some() && pinned(info) == self.id()
    }

    /// Asks the server to keep the pin; `api` is where pull requests go. Returns when the request was sent.
    ///
    /// The server takes a request with an id that was pinned once, so this proves nothing by itself: only a look at
    /// the consumer *afterwards* does, which finds us pinned only if we were when the request was taken.
    pub(super) async fn touch(&self, connection: &Connection, api: &str) -> Instant {
        let sent = Instant::now();
        if let Some(id) = &self.id {
            renew(connection, api, id, self.tenure.term()).await;
        }
        sent
    }

    /// The pin is ours: it was renewed by a request sent at `sent`, and is from here on.
    pub(super) fn hold(&mut self, connection: &Connection, api: String, sent: Instant) {
        let Some(id) = &self.id else { return };
        self.tenure.grant(sent);
        let (id, tenure, connection) = (Arc::clone(id), Arc::clone(&self.tenure), connection.clone());
        self.renewal = Some(AbortOnDropHandle::new(tokio::spawn(keep(connection, api, id, tenure))));
    }

    /// Forgets the pin: it is somebody else's, or nobody's.
    pub(super) fn drop_it(&mut self) {
        if self.is_required {
            self.tenure.end();
            self.renewal = None;
            self.id = None;
        }
    }

    /// Gives the pin back; `stream` and `consumer` are whose it is. One that is not held any more may be another's.
    pub(super) async fn give_back(&mut self, connection: &Connection, stream: &str, consumer: &str) {
        if self.id.is_some() && self.tenure.is_held() {
            match unpin(connection, stream, consumer).await {
                Some(Ok(_)) => debug!(stream, consumer, "gave the pin back"),
                Some(Err(error)) => {
                    warn!(stream, consumer, %error, "could not give the pin back, it lapses by itself");
                }
                None => warn!(stream, consumer, "could not give the pin back in time, it lapses by itself"),
            }
        }
        self.drop_it();
    }
}

/// Whom the server has pinned.
pub(super) fn pinned(info: &Info) -> Option<&str> {
    let group = info.priority_groups.iter().find(|state| state.group == GROUP)?;
    group.pinned_client_id.as_deref().filter(|id| !id.is_empty())
}

/// Where the server is asked to pin nobody (ADR-42).
pub(super) fn unpin_subject(stream: &str, consumer: &str) -> String {
    format!("$JS.API.CONSUMER.UNPIN.{stream}.{consumer}")
}

/// Asks the server to pin nobody; `None` when it does not answer in time.
pub(super) async fn unpin(
    connection: &Connection,
    stream: &str,
    consumer: &str,
) -> Option<Result<Message, RequestError>> {
    let request = json!({ "group": GROUP }).to_string();
    bounded(connection.client().request(unpin_subject(stream, consumer), request.into())).await
}

/// Renews until the pin is lost.
async fn keep(connection: Connection, api: String, id: Arc<str>, tenure: Arc<Tenure>) {
    let mut tick = interval(tenure.term() / RENEWALS);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let sent = Instant::now();
        match renew(&connection, &api, &id, tenure.term()).await {
            Answer::Taken if tenure.renew(sent) => {}
            Answer::Unclear if tenure.is_held() => {}
            Answer::Taken | Answer::Unclear => return debug!(api, "the pin has lapsed"),
            Answer::Refused => {
                debug!(api, "the pin is somebody else's");
                return tenure.end();
            }
        }
    }
}

/// Pulls without taking anything: no message fits into one byte, and the server does not wait for one.
async fn renew(connection: &Connection, api: &str, id: &str, patience: Duration) -> Answer {
    let request =
        json!({ "batch": 1, "max_bytes": 1, "no_wait": true, "group": GROUP, "id": id }).to_string();
    let answer = connection.client().request(format!("$JS.API.{api}"), Bytes::from(request));
    match timeout(patience, answer).await {
        Ok(Ok(message)) => classify(&message),
        Ok(Err(_)) | Err(_) => Answer::Unclear,
    }
}

fn classify(message: &Message) -> Answer {
    let text = message.description.as_deref().unwrap_or_default();
    match (message.status.map(|status| status.as_u16()), text) {
        (Some(423), _) => Answer::Refused,
        (Some(404 | 408), _) | (Some(409), "Message Size Exceeds MaxBytes" | "Exceeded MaxAckPending") => {
            Answer::Taken
        }
        _ => Answer::Unclear,
    }
}
