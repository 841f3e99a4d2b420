//! The lanes of a handler under test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;

use super::{Event, Outcome};
use crate::erased::{DynHandler, erase};
use crate::subject::Pattern;
use crate::{EntityState, Handler, Message, codec};

/// A handler under test with the state of its entities; see [the module](super).
///
/// What is not set is as in a topology that says nothing about it: 5 tries, a backoff of 200 ms, 1 s, 5 s and 30 s,
/// and a timeout of 30 s.
#[derive(Debug)]
pub struct Lanes {
    pub(super) handler: Arc<dyn DynHandler>,
    subject: Option<Pattern>,
    key: Option<String>,
    stream: Arc<str>,
    pub(super) ports: BTreeMap<String, Pattern>,
    pub(super) max_deliver: u32,
    pub(super) backoff: Vec<Duration>,
    pub(super) timeout: Duration,
    messages: Vec<Arc<Message>>,
    pub(super) entities: BTreeMap<ByteString, Entity>,
}

/// What is kept of an entity from message to message.
#[derive(Debug, Default)]
pub(super) struct Entity {
    pub(super) state: Option<Bytes>,
    pub(super) applied: u64,
}

impl Lanes {
    /// Puts a handler to the test.
    pub fn new(handler: impl Handler) -> Self {
        Self {
            handler: erase(handler),
            subject: None,
            key: None,
            stream: "TEST".into(),
            ports: BTreeMap::new(),
            max_deliver: 5,
            backoff: [200, 1_000, 5_000, 30_000].map(Duration::from_millis).to_vec(),
            timeout: Duration::from_secs(30),
            messages: Vec::new(),
            entities: BTreeMap::new(),
        }
    }

    /// Names tokens of the subject, as an actor's `subjects` do; the first named token is the key.
    /// Without this the whole subject is the key.
    ///
    /// # Panics
    /// When it is not a subject.
    #[must_use]
    #[track_caller]
    pub fn subject(mut self, pattern: &str) -> Self {
        self.subject = Some(parsed(pattern));
        self
    }

    /// Takes another named token of the subject as the key.
    #[must_use]
    pub fn key(mut self, token: impl Into<String>) -> Self {
        self.key = Some(token.into());
        self
    }

    /// Names the stream that the events come from.
    #[must_use]
    pub fn stream(mut self, name: &str) -> Self {
        self.stream = name.into();
        self
    }

    /// Maps a port to a subject, as an actor's `emits` does. Once a port is mapped, emits through others, or
    /// without a value for every token, are dead-lettered.
    ///
    /// # Panics
    /// When it is not a subject.
    #[must_use]
    #[track_caller]
    pub fn emits(mut self, port: impl Into<String>, pattern: &str) -> Self {
        self.ports.insert(port.into(), parsed(pattern));
        self
    }

    /// Sets the tries of one event in total.
    #[must_use]
    pub fn max_deliver(mut self, tries: u32) -> Self {
        self.max_deliver = tries;
        self
    }

    /// Sets the waits after the first, second, … failed attempt; the last one repeats.
    #[must_use]
    pub fn backoff(mut self, waits: impl IntoIterator<Item = Duration>) -> Self {
        self.backoff = waits.into_iter().collect();
        self
    }

    /// Sets how long an attempt may take, in real time. It ends handlers that await too long, not those that block.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Gives an entity a state to begin with.
    ///
    /// # Panics
    /// When the state has no encoding.
    #[must_use]
    #[track_caller]
    pub fn with_state<S: Serialize>(mut self, key: &str, state: &S) -> Self {
        let state = codec::json(state).expect("the state can be encoded");
        self.entities.entry(key.into()).or_default().state = Some(state);
        self
    }

    /// The state that an entity has, as the handler will next see it.
    ///
    /// # Panics
    /// When it is not an `S`.
    #[track_caller]
    pub fn state<S: EntityState>(&self, key: &str) -> S {
        match self.entities.get(key).and_then(|entity| entity.state.as_ref()) {
            Some(bytes) => codec::from_json(bytes).expect("the state is of this type"),
            None => S::default(),
        }
    }

    /// Publishes a JSON payload and handles it to its end: done, or dead-lettered.
    ///
    /// # Panics
    /// When the subject is not one of those that [`subject`](Self::subject) names.
    pub async fn send<T: Serialize + ?Sized>(&mut self, subject: &str, payload: &T) -> Outcome {
        self.deliver(Event::json(subject, payload)).await
    }

    /// Publishes an event and handles it to its end: done, or dead-lettered.
    ///
    /// # Panics
    /// When the subject is not one of those that [`subject`](Self::subject) names.
    pub async fn deliver(&mut self, event: Event) -> Outcome {
        let message = self.store(event);
        self.handle(&message).await
    }

    /// Delivers a message again, as after a crash before its ack: a handler with state has it acked without a run if
    /// it was applied, a handler without state runs again.
    ///
    /// # Panics
    /// When no message has that sequence.
    pub async fn redeliver(&mut self, sequence: u64) -> Outcome {
        let stored = self.messages.iter().find(|message| message.sequence == sequence);
        let message = Arc::clone(stored.expect("a message that was sent before"));
        self.handle(&message).await
    }

    fn store(&mut self, event: Event) -> Arc<Message> {
        if let Some(pattern) = &self.subject {
            assert!(pattern.matches(&event.subject), "`{}` is not one of `{pattern}`", event.subject);
        }
        let tokens = self.subject.as_ref().map(Pattern::names).unwrap_or_default();
        let token = self.key.as_deref().or(tokens.iter().next());
        let key = match (event.key, token) {
            (Some(key), _) => key,
            (None, Some(token)) => tokens.find(token, &event.subject).unwrap_or_default().to_owned(),
            (None, None) => event.subject.clone(),
        };
        let message = Arc::new(Message {
            key: key.into(),
            tokens,
            subject: event.subject.into(),
            headers: event.headers,
            payload: event.payload,
            stream: Arc::clone(&self.stream),
            sequence: self.messages.len() as u64 + 1,
            published: SystemTime::now(),
        });
        self.messages.push(Arc::clone(&message));
        message
    }
}

#[track_caller]
fn parsed(pattern: &str) -> Pattern {
    pattern.parse().expect("a subject, maybe with named tokens")
}
