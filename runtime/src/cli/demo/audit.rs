//! Reads all streams from the broker and keeps the books of every actor by them.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate::Message;

use super::books::Books;
use super::origin::Origin;
use crate::message::{Epitaph, ShardPrefix};
use crate::nats::{Archive, ArchiveError, Connection, names};
use crate::topology::{Actor, ActorName, KeySource, Order, Topology};

/// What lies in the streams.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// What each actor was given and what it answered.
    pub(super) books: BTreeMap<ActorName, Books>,
    /// The dead letters, by reason.
    pub(super) dead_letters: BTreeMap<String, u64>,
}

/// Reads every stream of the topology and its dead letters.
pub(super) async fn audit(connection: &Connection, topology: &Topology) -> Result<Audit, ArchiveError> {
    let mut audit = Audit::default();
    for stream in topology.streams.values() {
        let archive = Archive::open(connection.clone(), stream.name.as_str()).await?;
        for prefix in (0..stream.shards).map(|shard| ShardPrefix::of(shard, stream.shards)) {
            let mut reader = archive.read(&prefix.before(">"), 1).await?;
            while let Some(mut message) = reader.next().await? {
                message.subject = prefix.strip(&message.subject).into();
                audit.take_input(topology, &message);
                audit.take_answer(topology, &message);
            }
        }
    }
    let archive = Archive::open(connection.clone(), &names::dead_letter_stream(topology)).await?;
    let mut reader = archive.read(">", 1).await?;
    while let Some(message) = reader.next().await? {
        audit.take_answer(topology, &message);
        if let Some(epitaph) = Epitaph::read(&message.headers) {
            *audit.dead_letters.entry(epitaph.reason).or_default() += 1;
        }
    }
    Ok(audit)
}

impl Audit {
    /// A message is an input of every actor that consumes its subject.
    fn take_input(&mut self, topology: &Topology, message: &Message) {
        let consumers = topology.actors.values().filter(|actor| actor.stream.as_str() == &*message.stream);
        for actor in consumers.filter(|actor| consumes(actor, &message.subject)) {
            let lane = lane(actor, message);
            let books = self.books.entry(actor.name.clone()).or_default();
            books.given(message.sequence, lane.as_deref(), message.published);
        }
    }

    /// A message is an answer when its id says so.
    fn take_answer(&mut self, topology: &Topology, message: &Message) {
        let Some(origin) = message.headers.get("Nats-Msg-Id").and_then(Origin::read) else { return };
        let mut actors = topology.actors.values();
        let author = actors
            .find(|actor| actor.name.as_str() == origin.actor && actor.stream.as_str() == origin.stream);
        if let Some(actor) = author {
            let books = self.books.entry(actor.name.clone()).or_default();
            books.answered(origin.sequence, origin.answer, message.published);
        }
    }
}

/// Whether the actor gets messages of this subject.
pub(super) fn consumes(actor: &Actor, subject: &str) -> bool {
    actor.subjects.iter().any(|pattern| pattern.matches(subject))
}

/// What the message must stay in order with. Found without the router, whose mistakes are to be seen here.
fn lane(actor: &Actor, message: &Message) -> Option<String> {
    match (actor.order, &actor.key) {
        (Order::None, _) => None,
        (Order::Entity, KeySource::Token(name)) => {
            let pattern = actor.subjects.iter().find(|pattern| pattern.matches(&message.subject))?;
            pattern.names().find(name, &message.subject).map(str::to_owned)
        }
        (Order::Entity, KeySource::Header(name)) => message.headers.get(name).map(str::to_owned),
        (Order::Entity, KeySource::Json(pointer)) => {
            let payload: Value = serde_json::from_slice(&message.payload).ok()?;
            match payload.pointer(pointer)? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            }
        }
    }
}

#[cfg(test)]
mod tests;
