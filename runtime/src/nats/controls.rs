//! The bucket of controls (ADR-8): written by publishes that await their PubAck and expect a revision, watched by a
//! plain subscription.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_nats::jetstream::stream::Config;
use async_nats::{HeaderMap, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::bounded::LIMIT;
use super::provision::{change_stream, controls};
use super::{Connection, Link, MemberEntry, NatsMembers, names};
use crate::message::Control;
use crate::port::{BoxFuture, ControlWatch, Controlled, Controls, ControlsError, MembersError, Revision};
use crate::topology::Topology;

/// How long the subscription may be silent before the bucket is read: somebody who may read and not subscribe sees the
/// controls, too.
const QUIET: Duration = Duration::from_secs(4);

/// The wait before what failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// A control as the bucket keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredControl {
    /// The actor.
    pub actor: String,
    /// What it may do.
    pub control: Control,
    /// When that was stored, by the server's clock.
    pub at: SystemTime,
    /// The revision of its entry.
    pub revision: Revision,
}

/// The bucket over one connection.
#[derive(Debug, Clone)]
pub struct NatsControls {
    connection: Connection,
    bucket: String,
    entries: NatsMembers,
    /// What the bucket is made as.
    config: Arc<Config>,
}

impl NatsControls {
    /// The bucket of a topology; it need not exist yet.
    pub fn new(connection: Connection, topology: &Topology) -> Self {
        let bucket = names::controls_bucket(&topology.name);
        let entries = NatsMembers::new(connection.clone(), bucket.clone());
        Self { connection, bucket, entries, config: Arc::new(controls(topology)) }
    }

    /// Sees what is written.
    pub fn watch(&self) -> NatsControlWatch {
        NatsControlWatch {
            link: self.connection.link(),
            controls: self.clone(),
            subscription: None,
            read: VecDeque::new(),
        }
    }

    /// All entries, by actor; none without a bucket.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn all(&self) -> Result<Vec<StoredControl>, ControlsError> {
        let entries = match self.entries.entries().await {
            Err(MembersError::Missing(_)) => Vec::new(),
            read => read.map_err(of_bucket)?,
        };
        let mut all: Vec<_> = entries.iter().map(stored).collect();
        all.sort_by(|one, other| one.actor.cmp(&other.actor));
        Ok(all)
    }

    async fn create_and_write(
        &self,
        actor: &str,
        control: &Control,
        expected: Option<Revision>,
    ) -> Result<Revision, ControlsError> {
        let value = Bytes::from(serde_json::to_vec(control).expect("a control is JSON"));
        match self.entries.write(actor, HeaderMap::new(), value.clone(), expected).await {
            Err(MembersError::Missing(_)) => {}
            written => return written.map_err(of_bucket),
        }
        // Creating what is there as we make it changes nothing.
        let created = change_stream(&self.connection, "CREATE", &self.config).await;
        created.map_err(|error| ControlsError::Unavailable(error.to_string()))?;
        self.entries.write(actor, HeaderMap::new(), value, expected).await.map_err(of_bucket)
    }
}

impl StoredControl {
    /// Without the time at which it was stored.
    pub fn controlled(self) -> Controlled {
        Controlled { actor: self.actor, control: self.control }
    }
}

impl Controls for NatsControls {
    fn find<'a>(
        &'a self,
        actor: &'a str,
    ) -> BoxFuture<'a, Result<(Control, Option<Revision>), ControlsError>> {
        Box::pin(async move {
            let entry = self.all().await?.into_iter().find(|entry| entry.actor == actor);
            Ok(entry.map_or((Control::none(), None), |entry| (entry.control, Some(entry.revision))))
        })
    }

    fn set<'a>(
        &'a self,
        actor: &'a str,
        control: &'a Control,
        expected: Option<Revision>,
    ) -> BoxFuture<'a, Result<Revision, ControlsError>> {
        Box::pin(self.create_and_write(actor, control, expected))
    }
}

/// Watches the bucket.
#[derive(Debug)]
pub struct NatsControlWatch {
    controls: NatsControls,
    link: watch::Receiver<Link>,
    subscription: Option<Subscriber>,
    /// What a look into the bucket has found.
    read: VecDeque<Controlled>,
}

impl NatsControlWatch {
    async fn look(&mut self) {
        match self.controls.all().await {
            Ok(all) => self.read.extend(all.into_iter().map(StoredControl::controlled)),
            Err(error) => debug!(%error, "the bucket of controls cannot be read"),
        }
    }

    /// One event: a message, a new connection, or a time of silence.
    async fn wait(&mut self) -> Option<Controlled> {
        let Some(subscription) = &mut self.subscription else {
            let subject = names::bucket_subjects(&self.controls.bucket);
            match timeout(LIMIT, self.controls.connection.client().subscribe(subject)).await {
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
                Some(message) => {
                    let prefix = format!("$KV.{}.", self.controls.bucket);
                    let actor = message.subject.strip_prefix(&prefix)?.to_owned();
                    let control = serde_json::from_slice(&message.payload).ok()?;
                    return Some(Controlled { actor, control });
                }
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

impl ControlWatch for NatsControlWatch {
    fn next(&mut self) -> BoxFuture<'_, Controlled> {
        Box::pin(async move {
            loop {
                if let Some(controlled) = self.read.pop_front() {
                    return controlled;
                }
                if let Some(controlled) = self.wait().await {
                    return controlled;
                }
            }
        })
    }
}

/// An entry that was deleted or cannot be read leaves the actor working, since when it was stored.
fn stored(entry: &MemberEntry) -> StoredControl {
    let written = entry.value.as_ref().and_then(|value| serde_json::from_slice(value).ok());
    let control = written.unwrap_or_else(|| Control { since: entry.stored, ..Control::none() });
    StoredControl { actor: entry.key.clone(), control, at: entry.stored, revision: entry.revision }
}

fn of_bucket(error: MembersError) -> ControlsError {
    match error {
        MembersError::Conflict => ControlsError::Conflict,
        MembersError::Missing(bucket) => ControlsError::Unavailable(format!("`{bucket}` does not exist")),
        MembersError::Unavailable(text) => ControlsError::Unavailable(text),
    }
}
