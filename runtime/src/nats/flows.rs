//! The bucket of flows (ADR-8): written by plain publishes that await their PubAck, watched by a plain subscription.
//!
//! Each write of an entry is a message on the entry's subject, so whoever subscribes sees it, without a consumer that
//! could fall asleep or be lost with the bucket.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_nats::client::Request;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::Config;
use async_nats::{RequestErrorKind, Subscriber};
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::bounded::LIMIT;
use super::provision::{change_stream, flows};
use super::{Connection, Link, MemberEntry, NatsMembers, names};
use crate::message::Flow;
use crate::port::{BoxFuture, FlowWatch, Flows, FlowsError, MembersError};
use crate::topology::Topology;

/// How long the bucket may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// How long a write may take, the creation of the bucket included.
const WRITE: Duration = Duration::from_secs(8);

/// How long the subscription may be silent before the bucket is read: somebody who may read and not subscribe sees the
/// flows, too.
const QUIET: Duration = Duration::from_secs(4);

/// The wait before what failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// A flow as the bucket keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFlow {
    /// The flow.
    pub flow: Flow,
    /// When it was stored, by the server's clock.
    pub at: SystemTime,
}

/// Writes the bucket over one connection.
#[derive(Debug, Clone)]
pub struct NatsFlows {
    connection: Connection,
    bucket: String,
    /// What the bucket is made as.
    config: Arc<Config>,
}

impl NatsFlows {
    /// The bucket of a topology; it need not exist yet.
    pub fn new(connection: Connection, topology: &Topology) -> Self {
        let bucket = names::flow_bucket(&topology.name);
        Self { connection, bucket, config: Arc::new(flows(topology)) }
    }

    /// Sees what is written.
    pub fn watch(&self) -> NatsFlowWatch {
        NatsFlowWatch {
            link: self.connection.link(),
            flows: self.clone(),
            subscription: None,
            read: VecDeque::new(),
        }
    }

    /// All entries that can be read; none without a bucket.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn all(&self) -> Result<Vec<StoredFlow>, FlowsError> {
        let bucket = NatsMembers::new(self.connection.clone(), self.bucket.clone());
        let entries = match bucket.entries().await {
            Ok(entries) => entries,
            Err(MembersError::Missing(_)) => Vec::new(),
            Err(error) => return Err(unavailable(&error)),
        };
        let read = |entry: MemberEntry| {
            let flow = serde_json::from_slice(entry.value.as_ref()?).ok()?;
            Some(StoredFlow { flow, at: entry.stored })
        };
        Ok(entries.into_iter().filter_map(read).collect())
    }

    async fn write(&self, flow: &Flow) -> Result<(), Refused> {
        let subject = format!("$KV.{}.{}", self.bucket, flow.stream);
        let value = serde_json::to_vec(flow).expect("a flow is JSON");
        let request = Request::new().payload(value.into()).timeout(Some(ANSWER));
        match self.connection.client().send_request(subject.clone(), request).await {
            Ok(answer) => match serde_json::from_slice::<Response<PublishAck>>(&answer.payload) {
                Ok(Response::Ok(_)) => Ok(()),
                Ok(Response::Err { error }) => Err(Refused::Other(error.to_string())),
                Err(_) => Err(Refused::Other("what answered is not a bucket".to_owned())),
            },
            Err(error) => match (self.connection.refusal(&subject, LIMIT * 2), error.kind()) {
                (Some(refusal), _) => Err(Refused::Other(refusal.text.to_string())),
                (None, RequestErrorKind::NoResponders | RequestErrorKind::TimedOut) => Err(Refused::Unheard),
                (None, _) => Err(Refused::Other(error.to_string())),
            },
        }
    }

    async fn create_and_write(&self, flow: &Flow) -> Result<(), FlowsError> {
        match self.write(flow).await {
            Ok(()) => return Ok(()),
            Err(Refused::Other(text)) => return Err(FlowsError::Unavailable(text)),
            Err(Refused::Unheard) => {}
        }
        // Creating what is there as we make it changes nothing.
        let created = change_stream(&self.connection, "CREATE", &self.config).await;
        created.map_err(|error| unavailable(&error))?;
        debug!(bucket = self.bucket, "nobody took the flow, the bucket may have been made again");
        self.write(flow).await.map_err(|refused| match refused {
            Refused::Unheard => FlowsError::Unavailable("nobody takes it".to_owned()),
            Refused::Other(text) => FlowsError::Unavailable(text),
        })
    }
}

enum Refused {
    /// Nobody has taken it: the bucket is gone, or the broker is away. Those who watch the bucket hear it all the same,
    /// so the server may not say that there is nobody.
    Unheard,
    Other(String),
}

impl Flows for NatsFlows {
    fn announce<'a>(&'a self, flow: &'a Flow) -> BoxFuture<'a, Result<(), FlowsError>> {
        Box::pin(async move {
            let written = timeout(WRITE, self.create_and_write(flow)).await;
            written.unwrap_or_else(|_| Err(unavailable(&format!("no answer within {} s", WRITE.as_secs()))))
        })
    }

    fn find<'a>(&'a self, stream: &'a str) -> BoxFuture<'a, Result<Option<Flow>, FlowsError>> {
        Box::pin(async move {
            Ok(self.all().await?.into_iter().map(|stored| stored.flow).find(|flow| flow.stream == stream))
        })
    }
}

/// Watches the bucket.
#[derive(Debug)]
pub struct NatsFlowWatch {
    flows: NatsFlows,
    link: watch::Receiver<Link>,
    subscription: Option<Subscriber>,
    /// What a look into the bucket has found.
    read: VecDeque<Flow>,
}

impl NatsFlowWatch {
    async fn look(&mut self) {
        match self.flows.all().await {
            Ok(flows) => self.read.extend(flows.into_iter().map(|stored| stored.flow)),
            Err(error) => debug!(%error, "the bucket of flows cannot be read"),
        }
    }

    /// One event: a message, a new connection, or a time of silence.
    async fn wait(&mut self) -> Option<Flow> {
        let Some(subscription) = &mut self.subscription else {
            let subject = names::bucket_subjects(&self.flows.bucket);
            match timeout(LIMIT, self.flows.connection.client().subscribe(subject)).await {
                Ok(Ok(subscription)) => {
                    self.subscription = Some(subscription);
                    self.look().await;
                }
                Ok(Err(_)) | Err(_) => sleep(AGAIN).await,
            }
            return None;
        };
        tokio::select! {
            message = subscription.next() => match message {
                Some(message) => return serde_json::from_slice(&message.payload).ok(),
                None => self.subscription = None,
            },
            changed = self.link.changed() => match changed {
                Ok(()) => self.look().await,
                Err(_) => sleep(AGAIN).await,
            },
            () = sleep(QUIET) => self.look().await,
        }
        None
    }
}

impl FlowWatch for NatsFlowWatch {
    fn next(&mut self) -> BoxFuture<'_, Flow> {
        Box::pin(async move {
            loop {
                if let Some(flow) = self.read.pop_front() {
                    return flow;
                }
                if let Some(flow) = self.wait().await {
                    return flow;
                }
            }
        })
    }
}

fn unavailable(error: &dyn std::fmt::Display) -> FlowsError {
    FlowsError::Unavailable(error.to_string())
}
