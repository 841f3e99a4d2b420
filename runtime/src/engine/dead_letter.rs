//! Two ways into the dead-letter stream, one way to write.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tracing::warn;

use super::crew::Crew;
use super::effects::{Interrupted, until_taken};
use super::router::Router;
use super::status::ShardStatus;
use super::tap::Ending;
use crate::message::{DeadLetter, Failure, Reason, TapOutcome};
use crate::planted::{Bug, is_planted};
use crate::port::{Outbound, Room, Settle, Settlement, SinkError, Source};
use crate::telemetry::span::MessageTrace;

/// How many exhausted messages are looked at in one go.
const BATCH: Room = Room { messages: 16, bytes: usize::MAX };

/// What an entity waits for whose dead letter nobody takes.
const BLOCKED: &str = "dead_letter_blocked";

/// The shortest and the longest wait before a source of advisories is asked again.
const ASK_AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// What is known of a message's end beside the message.
#[derive(Debug)]
pub(super) struct End<'a> {
    pub(super) reason: Reason,
    pub(super) attempts: u32,
    /// How long the last attempt took, if this process made it.
    pub(super) took: Option<Duration>,
    pub(super) failures: &'a [Failure],
    pub(super) trace: &'a MessageTrace,
}

/// Stores the dead letter, however long that takes: a stream that is missing or full blocks the entity and loses
/// nothing.
pub(super) async fn bury(
    message: &Arc<tidegate::Message>,
    crew: &Crew,
    end: End<'_>,
) -> Result<(), Interrupted> {
    let letter = DeadLetter {
        message: Arc::clone(message),
        actor: Arc::clone(&crew.name),
        reason: end.reason,
        attempts: end.attempts,
        failures: end.failures.to_vec(),
        died: SystemTime::now(),
        trace_id: end.trace.trace_id(),
    };
    let outbound = |headers| Outbound {
        subject: format!("{}.{}.{}", crew.dead_letters, message.stream, message.sequence),
        headers,
        payload: message.payload.clone(),
        id: letter.id(),
    };
    // The letter keeps the headers of the message, its trace context included, so that a replay is the same message.
    let publishing = end.trace.publish(&crew.dead_letters, "dead_letter");
    let whole = outbound(letter.headers());
    publishing.describe(&whole.subject, &whole.id, whole.payload.len());
    if is_planted(Bug::DropDeadLetterError) {
        drop(crew.sink.publish(&whole).await);
        return Ok(());
    }
    let offer = || crew.publish(&whole, &crew.dead_letters);
    if let Err(error) = until_taken(crew, &message.key, BLOCKED, SinkError::is_permanent, offer).await? {
        warn!(actor = %crew.name, sequence = message.sequence, %error, "dead letter goes without its history");
        let brief = outbound(letter.brief_headers());
        let never = |_: &SinkError| false;
        let stored =
            until_taken(crew, &message.key, BLOCKED, never, || crew.publish(&brief, &crew.dead_letters))
                .await?;
        stored.expect("no error is final");
    }
    crew.status.dead_lettered(end.reason);
    let End { attempts: attempt, took, failures, .. } = end;
    crew.tap.note(message, Ending { outcome: TapOutcome::Dead, attempt, took, failures });
    let error = end.failures.last().map(|failure| failure.errors.join(": "));
    warn!(
        actor = %crew.name,
        stream = %message.stream,
        sequence = message.sequence,
        reason = %end.reason,
        attempts = end.attempts,
        error = error.as_deref(),
        "message dead-lettered"
    );
    Ok(())
}

/// Where the messages come from that nobody lived to report on, as the server's advisories tell.
pub(crate) struct Undertaker {
    pub(crate) advisories: Box<dyn Source>,
    pub(crate) settle: Arc<dyn Settle>,
}

/// Buries what the server gave up delivering. Ends when the drain begins, or cut off when the shard is given away; what
/// is not settled then comes again.
pub(super) async fn bury_exhausted(
    undertaker: Arc<Mutex<Undertaker>>,
    router: Arc<Router>,
    crew: Crew,
    shard: Arc<ShardStatus>,
) {
    let mut undertaker = undertaker.lock().await;
    let Undertaker { advisories, settle } = &mut *undertaker;
    let mut wait = ASK_AGAIN.0;
    while !crew.drain.has_begun() {
        let arrivals = tokio::select! {
            arrivals = advisories.next(BATCH) => arrivals,
            () = crew.drain.begun() => return,
        };
        let arrivals = match arrivals {
            Ok(arrivals) => arrivals,
            Err(error) => {
                warn!(actor = %crew.name, %error, "advisories interrupted");
                tokio::select! {
                    _ = advisories.pending() => {}
                    () = crew.drain.begun() => return,
                }
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(ASK_AGAIN.1);
                continue;
            }
        };
        wait = ASK_AGAIN.0;
        for arrival in arrivals {
            let mut message = arrival.message;
            router.address(&mut message);
            let message = Arc::new(message);
            if shard.has_settled(message.sequence) {
                // Its settlement did not reach the server, which is no reason to call it dead.
                settle.settle(&arrival.receipt, Settlement::Ack).await;
                continue;
            }
            let trace = MessageTrace::receive(&message, router.destination(&message.subject), &crew.name);
            trace.received();
            let end = End {
                reason: Reason::Exhausted,
                attempts: arrival.delivered,
                took: None,
                failures: &[],
                trace: &trace,
            };
            if bury(&message, &crew, end).await.is_err() {
                return;
            }
            shard.revoke(message.sequence);
            settle.settle(&arrival.receipt, Settlement::Ack).await;
        }
    }
}

impl std::fmt::Debug for Undertaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Undertaker").finish_non_exhaustive()
    }
}
