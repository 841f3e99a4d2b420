//! Tells of alerts by plain publishes: who listens hears it, and a stream may keep it.

use tracing::debug;

use super::bounded::bounded;
use super::{Connection, names};
use crate::message::AlertEvent;
use crate::port::{Alarm, BoxFuture};
use crate::topology::TopologyName;

/// Publishes to `tidegate.{topology}.alerts.{actor}.{name}`.
#[derive(Debug, Clone)]
pub struct NatsAlarm {
    connection: Connection,
    topology: TopologyName,
}

impl NatsAlarm {
    /// The alarm of a topology.
    pub fn new(connection: Connection, topology: TopologyName) -> Self {
        Self { connection, topology }
    }
}

impl Alarm for NatsAlarm {
    fn tell<'a>(&'a self, event: &'a AlertEvent) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let subject = names::alert_subject(&self.topology, &event.alert.actor, event.alert.name.as_str());
            let payload = serde_json::to_vec(event).expect("an event is JSON");
            match bounded(self.connection.client().publish(subject.clone(), payload.into())).await {
                Some(Ok(())) => {}
                Some(Err(error)) => debug!(subject, %error, "the alert is only logged"),
                None => debug!(subject, "the alert is only logged: the connection is clogged"),
            }
        })
    }
}
