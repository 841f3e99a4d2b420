//! Two ways into the dead-letter stream, one way to write.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tracing::warn;

use super::crew::Crew;
use super::delivery::Home;
use super::effects::{Interrupted, until_taken};
use super::router::Router;
use crate::message::{DeadLetter, Failure, Reason};
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
    let offer = || crew.sink.publish(whole.clone());
    if let Err(error) = until_taken(crew, BLOCKED, SinkError::is_permanent, offer).await? {
        warn!(actor = %crew.name, sequence = message.sequence, %error, "dead letter goes without its history");
        let brief = outbound(letter.brief_headers());
        let never = |_: &SinkError| false;
        let stored = until_taken(crew, BLOCKED, never, || crew.sink.publish(brief.clone())).await?;
        stored.expect("no error is final");
    }
    crew.status.dead_lettered(end.reason);
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

/// Buries what the server gave up delivering, as its advisories tell: nobody lived to report on those messages.
/// Ends when the drain begins.
pub(super) async fn bury_exhausted(
    mut advisories: Box<dyn Source>,
    settle: Arc<dyn Settle>,
    router: Arc<Router>,
    crew: Arc<Crew>,
    home: Arc<Home>,
) {
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
            let trace = MessageTrace::receive(&message, router.destination(&message.subject), &crew.name);
            trace.received();
            let end =
                End { reason: Reason::Exhausted, attempts: arrival.delivered, failures: &[], trace: &trace };
            if bury(&message, &crew, end).await.is_err() {
                return;
            }
            home.ledger.revoke(message.sequence);
            settle.settle(&arrival.receipt, Settlement::Ack).await;
        }
    }
}
