//! The ports in memory: a broker that keeps JetStream's rules on Tokio's clock, and does harm on request.
//!
//! For tests of the engine with paused time. One broker is one stream with one consumer; what is published to it goes
//! to an outbox, not to the stream.

mod alarm;
mod controls;
mod flows;
mod members;
mod outlet;
mod source;
mod taps;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tidegate::subject::TokenNames;
use tidegate::{Headers, Message};
use tokio::sync::Notify;
use tokio::time::Instant;

pub use self::alarm::{MemoryAlarm, MemoryHeld};
pub use self::controls::{MemoryControlWatch, MemoryControls};
pub use self::flows::{MemoryFlowWatch, MemoryFlows, MemoryGauge};
pub use self::members::MemoryMembers;
pub use self::source::MemorySource;
pub use self::taps::{MemoryTapWatch, MemoryTaps};
use crate::port::{Entry, Outbound, Receipt, Settlement};

/// A stream, its consumer, an outbox and a bucket. Clones share them.
#[derive(Debug, Clone)]
pub struct MemoryBroker {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

/// How the consumer is configured.
#[derive(Debug, Clone, Copy)]
pub struct ConsumerRules {
    /// When an un-acked message comes again.
    pub ack_wait: Duration,
    /// How many un-acked messages there may be.
    pub max_ack_pending: usize,
    /// How often a message is delivered at most.
    pub max_deliver: u32,
}

/// What the broker holds at the end, for assertions.
#[derive(Debug, Clone, Default)]
pub struct Ledgered {
    /// Sequences acked.
    pub acked: BTreeSet<u64>,
    /// Sequences termed.
    pub termed: BTreeSet<u64>,
    /// What was published, in order, each id once.
    pub outbox: Vec<Outbound>,
    /// Sequences that the consumer has given up.
    pub exhausted: BTreeSet<u64>,
}

#[derive(Debug)]
struct State {
    rules: ConsumerRules,
    messages: Vec<Message>,
    next: u64,
    pending: BTreeMap<u64, PendingMessage>,
    redeliver: VecDeque<u64>,
    settled: Ledgered,
    ids: BTreeSet<String>,
    bucket: HashMap<String, Entry>,
    revision: u64,
    interrupt: Option<usize>,
    refuse_publishes: u32,
}

#[derive(Debug)]
struct PendingMessage {
    deliveries: u32,
    expires: Instant,
}

impl MemoryBroker {
    /// An empty stream with a consumer.
    pub fn new(rules: ConsumerRules) -> Self {
        let state = State {
            rules,
            messages: Vec::new(),
            next: 1,
            pending: BTreeMap::new(),
            redeliver: VecDeque::new(),
            settled: Ledgered::default(),
            ids: BTreeSet::new(),
            bucket: HashMap::new(),
            revision: 0,
            interrupt: None,
            refuse_publishes: 0,
        };
        Self { state: Arc::new(Mutex::new(state)), changed: Arc::default() }
    }

    /// Stores a message in the stream; returns its sequence.
    pub fn publish(&self, subject: &str, payload: impl Into<Bytes>) -> u64 {
        let mut state = self.lock();
        let sequence = state.messages.len() as u64 + 1;
        state.messages.push(Message {
            subject: subject.into(),
            tokens: TokenNames::default(),
            headers: Headers::new(),
            payload: payload.into(),
            stream: "MEMORY".into(),
            sequence,
            published: SystemTime::UNIX_EPOCH + Duration::from_secs(sequence),
            key: "".into(),
        });
        drop(state);
        self.changed.notify_waiters();
        sequence
    }

    /// Loses all but the first `kept` of the next batch on its way, and interrupts the source after it.
    pub fn interrupt_after(&self, kept: usize) {
        self.lock().interrupt = Some(kept);
        self.changed.notify_waiters();
    }

    /// Refuses the next `count` publishes as a full stream does.
    pub fn refuse_publishes(&self, count: u32) {
        self.lock().refuse_publishes = count;
    }

    /// What there is at this moment.
    pub fn settled(&self) -> Ledgered {
        self.lock().settled.clone()
    }

    /// How many messages are delivered and neither settled nor exhausted.
    pub fn pending(&self) -> usize {
        self.lock().pending.len()
    }

    /// Whether every message has been settled or given up.
    pub fn is_finished(&self) -> bool {
        let state = self.lock();
        state.pending.is_empty() && state.next > state.messages.len() as u64
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What can be delivered now, redeliveries first.
    fn deliverable(&mut self, count: usize, now: Instant) -> Vec<(Message, u32)> {
        let expired: Vec<u64> =
            self.pending.iter().filter(|(_, entry)| entry.expires <= now).map(|(&at, _)| at).collect();
        self.redeliver
            .extend(expired.into_iter().filter(|at| !self.redeliver.contains(at)).collect::<Vec<_>>());
        let mut batch = Vec::new();
        while batch.len() < count {
            let Some(sequence) = self.next_sequence() else { break };
            let entry =
                self.pending.entry(sequence).or_insert(PendingMessage { deliveries: 0, expires: now });
            if entry.deliveries >= self.rules.max_deliver {
                self.pending.remove(&sequence);
                self.settled.exhausted.insert(sequence);
                continue;
            }
            entry.deliveries += 1;
            entry.expires = now + self.rules.ack_wait;
            let deliveries = entry.deliveries;
            batch.push((self.message(sequence), deliveries));
        }
        batch
    }

    fn message(&self, sequence: u64) -> Message {
        let index = usize::try_from(sequence - 1).expect("a stream in memory fits into memory");
        self.messages[index].clone()
    }

    fn next_sequence(&mut self) -> Option<u64> {
        while let Some(sequence) = self.redeliver.pop_front() {
            if self.pending.contains_key(&sequence) {
                return Some(sequence);
            }
        }
        if self.pending.len() >= self.rules.max_ack_pending || self.next > self.messages.len() as u64 {
            return None;
        }
        self.next += 1;
        Some(self.next - 1)
    }

    fn next_expiry(&self) -> Option<Instant> {
        self.pending.values().map(|entry| entry.expires).min()
    }

    fn settle(&mut self, sequence: u64, settlement: Settlement) {
        let Some(entry) = self.pending.get_mut(&sequence) else { return };
        let now = Instant::now();
        match settlement {
            Settlement::Ack => {
                self.settled.acked.insert(sequence);
                self.pending.remove(&sequence);
            }
            Settlement::Term(_) => {
                self.settled.termed.insert(sequence);
                self.pending.remove(&sequence);
            }
            Settlement::Nak(Duration::ZERO) => self.redeliver.push_back(sequence),
            Settlement::Nak(delay) => entry.expires = now + delay,
            Settlement::InProgress => entry.expires = now + self.rules.ack_wait,
        }
    }
}

fn receipt_of(sequence: u64) -> Receipt {
    Receipt(Bytes::copy_from_slice(&sequence.to_be_bytes()))
}

fn sequence_of(receipt: &Receipt) -> u64 {
    u64::from_be_bytes(receipt.0[..].try_into().expect("our own receipts have eight bytes"))
}
