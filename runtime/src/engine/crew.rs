//! What all partitions of an actor share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_utils::CachePadded;
use tidegate::Outgoing;
use tidegate::subject::{Pattern, SubjectError};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::control::Helm;
use super::drain::Drain;
use super::effects::Interrupted;
use super::lanes::{Thermometers, Waits};
use super::quarantine::Cell;
use super::status::ActorStatus;
use super::tap::Tap;
use crate::message::{ProcessId, RetryPolicy};
use crate::port::{Outbound, Sink, SinkError, Store, Tenure};
use crate::telemetry::metric::ActorTimers;
use crate::topology::{Keyless, Order};

/// An actor's rules and its ways out, without the handler: that one is rebuilt when a partition is.
#[derive(Clone)]
pub(crate) struct Crew {
    pub(crate) name: Arc<str>,
    /// The actor's place among the engine's actors, as the watchdog counts them.
    pub(crate) index: u32,
    pub(crate) order: Order,
    pub(crate) keyless: Keyless,
    pub(crate) policy: RetryPolicy,
    pub(crate) timeout: Duration,
    pub(crate) emits: Arc<BTreeMap<Box<str>, Pattern>>,
    /// A dead letter goes to `{dead_letters}.{stream}.{sequence}`.
    pub(crate) dead_letters: Arc<str>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) store: Option<Arc<dyn Store>>,
    /// Where tries are written down, by message.
    pub(crate) trials: Arc<dyn Store>,
    /// This process, whose tries have not ended with it.
    pub(crate) process: Arc<ProcessId>,
    /// Where this process tries what processes may have died of.
    pub(crate) cell: Cell,
    /// The right to run attempts, per partition; all shards of the actor in this process share them.
    pub(crate) slots: Arc<[CachePadded<Semaphore>]>,
    /// Whether to go on, in the shift that this crew works in.
    pub(crate) drain: Drain,
    /// Whether nobody else can be at work on the same messages.
    pub(crate) tenure: Arc<Tenure>,
    /// What the actor may do.
    pub(crate) helm: Arc<Helm>,
    pub(crate) status: Arc<ActorStatus>,
    pub(crate) timers: ActorTimers,
    /// Shows messages as they end, to who asks.
    pub(crate) tap: Arc<Tap>,
    /// Which entities have most to do, by partition.
    pub(crate) heat: Thermometers,
    /// Which entities wait.
    pub(crate) waits: Waits,
}

/// Why an emit cannot be published: a mistake in the handler or the topology, which no retry cures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmitError {
    #[error("the handler emits to port `{port}`, which `[actors.{actor}] emits` does not map to a subject")]
    Unmapped { port: String, actor: Arc<str> },
    #[error("the handler's emit to port `{port}` has no subject: {source}")]
    Subject { port: String, source: SubjectError },
    #[error(
        "the handler's emit to port `{port}` has the header `{header}`, which the server would take for a command"
    )]
    Header { port: String, header: String },
}

/// An emit with its subject, before the trace context is added.
#[derive(Debug)]
pub(crate) struct Emission<'a> {
    pub(crate) pattern: &'a Pattern,
    pub(crate) port: String,
    pub(crate) outbound: Outbound,
}

impl Crew {
    /// The same crew in a shift of its own.
    pub(crate) fn at_work(&self, drain: Drain, tenure: Arc<Tenure>) -> Self {
        Self { drain, tenure, ..self.clone() }
    }

    /// Waits until nobody else can be at work on the same messages, which is so at once but for an instance that was
    /// cut off or frozen. Returns when it was so.
    pub(crate) async fn may_go_on(&self) -> Result<Instant, Interrupted> {
        if self.drain.has_begun() {
            return Err(Interrupted);
        }
        let now = Instant::now();
        if self.tenure.is_held_at(now) {
            return Ok(now);
        }
        tokio::select! {
            () = self.drain.begun() => Err(Interrupted),
            () = self.tenure.held() => Ok(Instant::now()),
        }
    }

    /// Offers a message to its stream; `destination` is its subject with its tokens as placeholders.
    pub(crate) async fn publish(&self, outbound: &Outbound, destination: &str) -> Result<(), SinkError> {
        self.status.offered();
        let started = self.timers.start();
        let stored = self.sink.publish(outbound).await;
        self.timers.published(started, destination, stored.as_ref().err().map(SinkError::as_str));
        stored
    }

    /// Finds the subjects of a message's emits: tokens come from the emit, else from the message's own subject.
    pub(crate) fn address<'a>(
        &'a self,
        message: &tidegate::Message,
        emits: Vec<Outgoing>,
    ) -> Result<Vec<Emission<'a>>, EmitError> {
        let addressed = emits.into_iter().enumerate().map(|(index, emit)| {
            let Some(pattern) = self.emits.get(&*emit.port) else {
                return Err(EmitError::Unmapped {
                    port: emit.port.into_owned(),
                    actor: Arc::clone(&self.name),
                });
            };
            if let Some((header, _)) = emit.headers.iter().find(|(name, _)| is_command(name)) {
                return Err(EmitError::Header { port: emit.port.to_string(), header: header.to_owned() });
            }
            let subject = pattern
                .render(|name| emit.token_value(name).or_else(|| message.token(name)))
                .map_err(|source| EmitError::Subject { port: emit.port.to_string(), source })?;
            let (sequence, index) = (message.sequence.to_string(), index.to_string());
            let id = [&*message.stream, &sequence, &self.name, &index].join(":");
            let outbound = Outbound { subject, headers: emit.headers, payload: emit.payload, id };
            Ok(Emission { pattern, port: emit.port.into_owned(), outbound })
        });
        addressed.collect()
    }
}

/// Whether the server acts upon a header of that name: `Nats-Rollup`, for one, empties a stream (ADR-9).
fn is_command(header: &str) -> bool {
    header.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("nats-"))
}

impl std::fmt::Debug for Crew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crew").field("name", &self.name).finish_non_exhaustive()
    }
}
