//! The least that the users of a topology need of NATS: what they publish and what they subscribe to.
//!
//! Requests to JetStream are publishes to `$JS.API.…` (ADR-1), settlements to `$JS.ACK.…`, entries of buckets to
//! `$KV.…` (ADR-8). Each user may read its answers below `_INBOX`.

mod operator;
mod publisher;
mod runtime;

use std::collections::BTreeSet;

use serde::Serialize;

use super::provision::planned_streams;
use crate::topology::{ActorName, Topology};

/// Who does what with a topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs it.
    Runtime,
    /// Publishes into the streams that no actor of it emits into.
    Publisher,
    /// Looks at it, and at its dead letters.
    Operator,
}

/// What a user may do.
#[derive(Debug, Serialize)]
pub struct Permissions {
    /// Who it is for.
    pub role: Role,
    /// What it may publish.
    pub publish: Vec<Grant>,
    /// What it may subscribe to.
    pub subscribe: Vec<Grant>,
}

/// A subject that may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// The subject, with wildcards.
    pub subject: String,
    /// What it is for.
    pub purpose: &'static str,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Runtime, Self::Publisher, Self::Operator];

    /// Its name in the names of users.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::Publisher => "publisher",
            Self::Operator => "operator",
        }
    }
}

impl Permissions {
    /// What `role` needs. Answers come below `inbox`, `_INBOX` for most clients. State is kept for the actors in
    /// `stateful`; where that is not known, for all.
    pub fn of(role: Role, topology: &Topology, stateful: Option<&BTreeSet<ActorName>>, inbox: &str) -> Self {
        let all: BTreeSet<ActorName> = topology.actors.keys().cloned().collect();
        let streams = planned_streams(topology, stateful.unwrap_or(&all));
        let mut grants = Grants::default();
        grants.subscribe("its answers", format!("{inbox}.>"));
        match role {
            Role::Runtime => runtime::grant(topology, &streams, &mut grants),
            Role::Publisher => publisher::grant(topology, &mut grants),
            Role::Operator => operator::grant(topology, &streams, &mut grants),
        }
        Self { role, publish: grants.publish, subscribe: grants.subscribe }
    }
}

/// What is granted, each subject once.
#[derive(Debug, Default)]
struct Grants {
    publish: Vec<Grant>,
    subscribe: Vec<Grant>,
}

impl Grants {
    fn publish(&mut self, purpose: &'static str, subject: impl Into<String>) {
        add(&mut self.publish, purpose, subject.into());
    }

    fn subscribe(&mut self, purpose: &'static str, subject: impl Into<String>) {
        add(&mut self.subscribe, purpose, subject.into());
    }

    /// A request to the JetStream API.
    fn ask(&mut self, purpose: &'static str, request: &str) {
        self.publish(purpose, format!("$JS.API.{request}"));
    }
}

fn add(grants: &mut Vec<Grant>, purpose: &'static str, subject: String) {
    if grants.iter().all(|grant| grant.subject != subject) {
        grants.push(Grant { subject, purpose });
    }
}
