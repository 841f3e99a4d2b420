//! The heart: runs the attempts of one message and settles it.

mod turn;

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tidegate::erased::{Applied, Attempt};
use tokio::time::Instant;
use tracing::{debug, warn};

use self::turn::{take_back_last, take_turn, wait_or_drain};
use super::control::Probed;
use super::crew::Crew;
use super::dead_letter::{End, bury};
use super::deadline;
use super::delivery::{Delivery, wall_clock};
use super::effects::{self, Effects, Interrupted, Loaded};
use super::partition::Desk;
use super::slot::Slot;
use super::tap::Ending;
use super::trials;
use super::watchdog::Holder;
use crate::message::{Cause, Failure, Reason, TapOutcome, Verdict, partition};
use crate::planted::{Bug, is_planted};
use crate::port::Settlement;
use crate::telemetry::span::{AttemptSpan, ProcessFields};
use crate::topology::{Keyless, Order};

/// How an attempt ended.
enum Outcome {
    /// Its effects are stored.
    Done,
    /// Its effects were stored by an earlier delivery.
    AlreadyApplied,
    /// Not made: the process died of the message too often.
    Deadly,
    /// The state changed under it: to be made again, at no cost.
    Conflict,
    Failed(Failure, Verdict),
}

/// Tries a message until it is done, dead, or handed back. `slot` is held while an attempt runs, not while it waits.
///
/// What few messages come to is boxed, so that the others do not carry room for it.
pub(super) async fn execute(mut delivery: Delivery, desk: &Rc<Desk>, mut slot: Slot) {
    let crew = &desk.crew;
    delivery.lease.take_up();
    if delivery.is_redelivered && delivery.trial.is_none() {
        match Box::pin(trials::load(&delivery.message, crew)).await {
            Ok(trial) => delivery.learn(trial),
            Err(Interrupted) => return,
        }
    }
    if let Some(reason) = reason_not_to_try(&delivery, desk) {
        if reason == Reason::Keyless || crew.helm.may_bury() {
            drop(slot);
            return Box::pin(bury_untried(delivery, desk, reason)).await;
        }
        take_back_last(&mut delivery);
    }
    let mut failed_probes = 0;
    loop {
        let Some((turn, taken)) = take_turn(failed_probes, slot, desk).await else { return };
        slot = taken;
        let Ok(began) = crew.may_go_on().await else { return };
        if delivery.lease.is_revoked() {
            return abandon(delivery, desk);
        }
        let outcome = match attempt(&mut delivery, began, desk).await {
            Ok(outcome) => outcome,
            Err(Interrupted) => {
                if let Some(mut trial) = delivery.trial.take() {
                    Box::pin(trial.break_off(&delivery.message, crew)).await;
                }
                return;
            }
        };
        let took = began.elapsed();
        clock(&outcome, took, &delivery, desk);
        if delivery.lease.is_revoked() {
            return abandon(delivery, desk);
        }
        let (failure, verdict) = match outcome {
            Outcome::Done => {
                turn.end(Probed::Good);
                crew.helm.done(began + took);
                crew.status.done();
                crew.timers.done(delivery.message.published);
                show(&delivery, TapOutcome::Ok, took, crew);
                return settle(delivery, Settlement::Ack).await;
            }
            Outcome::AlreadyApplied => {
                crew.status.skipped();
                show(&delivery, TapOutcome::Ok, took, crew);
                return settle(delivery, Settlement::Ack).await;
            }
            Outcome::Deadly => {
                drop(slot);
                return Box::pin(bury_and_settle(delivery, desk, Reason::Failed, None)).await;
            }
            Outcome::Conflict => continue,
            Outcome::Failed(failure, verdict) => (failure, verdict),
        };
        turn.end(Probed::Bad);
        failed_probes += 1;
        take_note(&mut delivery, desk, failure, verdict, took);
        match verdict {
            Verdict::DeadLetter(reason) => {
                drop(slot);
                let may_bury = crew.helm.may_bury();
                if !may_bury {
                    show(&delivery, TapOutcome::Retry, took, crew);
                    take_back_last(&mut delivery);
                }
                if write_down(&mut delivery, crew, Moment::End).await.is_err() {
                    return;
                }
                if may_bury {
                    return Box::pin(bury_and_settle(delivery, desk, reason, Some(took))).await;
                }
            }
            // With order given up, the broker may as well keep the message meanwhile.
            Verdict::Retry(wait) if crew.order == Order::None || is_planted(Bug::RetryOutOfOrder) => {
                if write_down(&mut delivery, crew, Moment::End).await.is_err() {
                    return;
                }
                return settle(delivery, Settlement::Nak(wait)).await;
            }
            Verdict::Retry(wait) => {
                drop(slot);
                if write_down(&mut delivery, crew, Moment::End).await.is_err() {
                    return;
                }
                if Box::pin(rest(&delivery, wait, desk)).await.is_err() {
                    return;
                }
            }
        }
        let Some(next_slot) = Slot::take(desk).await else { return };
        slot = next_slot;
    }
}

/// Waits for the next attempt, and is seen to.
async fn rest(delivery: &Delivery, wait: Duration, desk: &Desk) -> Result<(), Interrupted> {
    let why = delivery.failures.last().map(|failure| failure.errors.join(": ")).unwrap_or_default();
    let _waiting = desk.crew.waits.begin(&delivery.message.key, "retry", &why, Some(wait));
    delivery.lease.rest();
    wait_or_drain(wait, desk).await?;
    delivery.lease.wake();
    Ok(())
}

/// Shows how an attempt ended, to who asks.
fn show(delivery: &Delivery, outcome: TapOutcome, took: Duration, crew: &Crew) {
    let failures = &delivery.failures;
    let attempt = match outcome {
        TapOutcome::Retry => failures.last().map_or(1, |failure| failure.attempt),
        TapOutcome::Ok | TapOutcome::Dead => delivery.attempt,
    };
    crew.tap.note(&delivery.message, Ending { outcome, attempt, took: Some(took), failures });
}

/// Records how long an attempt took, if one was made, and whose it was.
fn clock(outcome: &Outcome, took: Duration, delivery: &Delivery, desk: &Desk) {
    let crew = &desk.crew;
    crew.heat.of(desk.id).note(&delivery.message.key, took);
    match outcome {
        Outcome::Done => crew.timers.attempted(took, None),
        Outcome::Failed(failure, _) => crew.timers.attempted(took, Some(failure.cause.as_str())),
        Outcome::Conflict => crew.timers.attempted(took, Some("state_conflict")),
        Outcome::AlreadyApplied | Outcome::Deadly => {}
    }
}

/// What is written down of a try.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Begin,
    /// The handler has ended well; its effects may wait for long, and the process may die of something else.
    Handled,
    /// It has failed.
    End,
}

/// Writes down what a successor of this process must know. The first try of a message that was never delivered before
/// begins without, which keeps the usual case free.
async fn write_down(delivery: &mut Delivery, crew: &Crew, moment: Moment) -> Result<(), Interrupted> {
    let mut trial = match delivery.trial.take() {
        Some(trial) => trial,
        None if delivery.attempt > 1 => Box::default(),
        None => return Ok(()),
    };
    let (message, failures) = (&delivery.message, &delivery.failures);
    let (attempt, is_alone) = (delivery.attempt, delivery.is_alone);
    let written = match moment {
        Moment::Begin => Box::pin(trial.begin(message, attempt, is_alone, failures, crew)).await,
        Moment::Handled => Box::pin(trial.handled(message, crew)).await,
        Moment::End => Box::pin(trial.end(message, attempt, failures, crew)).await,
    };
    delivery.trial = Some(trial);
    written
}

/// A message without a key, one that the process died of too often, or one whose last try ended with its partition.
fn reason_not_to_try(delivery: &Delivery, desk: &Desk) -> Option<Reason> {
    let crew = &desk.crew;
    if delivery.message.key.is_empty() && crew.order == Order::Entity && crew.keyless == Keyless::DeadLetter {
        return Some(Reason::Keyless);
    }
    match Verdict::after(delivery.failures.last()?, &crew.policy, 0.0) {
        Verdict::DeadLetter(reason) => Some(reason),
        Verdict::Retry(_) => None,
    }
}

fn is_deadly(delivery: &Delivery, crew: &Crew) -> bool {
    delivery.trial.as_ref().is_some_and(|trial| trial.is_deadly(crew.policy.max_deliver))
}

/// One try: state, handler, emits, state again.
async fn attempt(delivery: &mut Delivery, mut began: Instant, desk: &Desk) -> Result<Outcome, Interrupted> {
    let mut span = open_span(delivery, desk);
    let loaded = match effects::load(delivery, desk).await? {
        Ok(loaded) => loaded,
        Err(failure) => return Ok(failed(failure, desk, &mut span)),
    };
    if loaded.as_ref().is_some_and(|loaded| loaded.is_applied(&delivery.message)) {
        span.outcome("already_applied");
        return Ok(Outcome::AlreadyApplied);
    }
    if is_deadly(delivery, &desk.crew) {
        span.outcome("deadly");
        return Ok(Outcome::Deadly);
    }
    write_down(delivery, &desk.crew, Moment::Begin).await?;
    if loaded.is_some() || delivery.trial.is_some() {
        // The broker was waited for, and the process may have been frozen meanwhile.
        began = desk.crew.may_go_on().await?;
    }
    let applied = match handle(delivery, began, desk, loaded.as_ref(), &span).await {
        Ok(applied) => applied,
        Err(failure) => return Ok(failed(failure, desk, &mut span)),
    };
    if delivery.lease.is_revoked() {
        return Ok(Outcome::Done);
    }
    write_down(delivery, &desk.crew, Moment::Handled).await?;
    if is_planted(Bug::AckBeforeEmits) {
        delivery.home.settle.settle(&delivery.lease.receipt, Settlement::Ack).await;
    }
    match effects::apply(delivery, desk, applied, loaded, &span).await? {
        Effects::Stored => {
            span.outcome("done");
            Ok(Outcome::Done)
        }
        Effects::Conflict => {
            span.outcome("state_conflict");
            Ok(Outcome::Conflict)
        }
        Effects::Impossible(failure) => Ok(failed(failure, desk, &mut span)),
    }
}

/// Runs the handler under its deadline; whatever it does, the partition goes on.
async fn handle(
    delivery: &mut Delivery,
    began: Instant,
    desk: &Desk,
    loaded: Option<&Loaded>,
    span: &AttemptSpan,
) -> Result<Applied, Failure> {
    let (number, message) = (delivery.attempt, Arc::clone(&delivery.message));
    let deadline = began + desk.crew.timeout;
    delivery.begin(began, deadline);

    let attempt = Attempt { number, deadline: deadline.into_std() };
    let state = loaded.and_then(Loaded::state);
    let holder = Holder { actor: desk.crew.index, partition: desk.id.0, sequence: message.sequence };
    let handling = desk
        .pulse
        .watch(holder, AssertUnwindSafe(desk.handler.attempt(&message, state, attempt)).catch_unwind());
    let ended = deadline::by(deadline, span.wrap(handling)).await;
    desk.crew.status.attempted(began.elapsed());

    let handled = match ended {
        Some(Ok(Ok(applied))) => Ok(applied),
        Some(Ok(Err(error))) => Err(Failure::from_error(number, wall_clock(began), &error)),
        Some(Err(panic)) => {
            Err(Failure::new(number, wall_clock(began), Cause::Panic, panic_text(panic.as_ref())))
        }
        None => {
            let limit = humantime::format_duration(desk.crew.timeout);
            Err(Failure::new(
                number,
                wall_clock(began),
                Cause::Timeout,
                format!("the handler took longer than {limit}"),
            ))
        }
    };
    // Only now: reading a handler's error runs the handler's code, too.
    delivery.end();
    handled
}

fn open_span(delivery: &mut Delivery, desk: &Desk) -> AttemptSpan {
    delivery.trace.received();
    let fields = ProcessFields {
        attempt: delivery.attempt,
        partition: desk.id,
        key_hash: partition::hash_key(&delivery.message.key),
    };
    delivery.trace.process(&fields)
}

fn failed(failure: Failure, desk: &Desk, span: &mut AttemptSpan) -> Outcome {
    let verdict = Verdict::after(&failure, &desk.crew.policy, rand::random());
    span.failed(failure.cause.as_str(), &failure.errors.join(": "));
    if let Verdict::Retry(wait) = verdict {
        span.retry_in(wait);
    }
    span.outcome("failed");
    Outcome::Failed(failure, verdict)
}

fn take_note(delivery: &mut Delivery, desk: &Desk, failure: Failure, verdict: Verdict, took: Duration) {
    let crew = &desk.crew;
    crew.status.attempt_failed(failure.cause);
    debug!(
        actor = %crew.name,
        sequence = delivery.message.sequence,
        attempt = failure.attempt,
        cause = failure.cause.as_str(),
        error = ?failure.errors,
        ?verdict,
        "attempt failed"
    );
    delivery.attempt = failure.attempt + 1;
    delivery.is_alone = false;
    delivery.failures.push(failure);
    if matches!(verdict, Verdict::Retry(_)) {
        show(delivery, TapOutcome::Retry, took, crew);
    }
}

/// The message was dead-lettered by the server's word, or its stream is gone: nothing of ours may settle it.
fn abandon(delivery: Delivery, desk: &Desk) {
    let sequence = delivery.message.sequence;
    warn!(actor = %desk.crew.name, sequence, "message abandoned, somebody else has ended it");
    delivery.abandon();
}

async fn settle(delivery: Delivery, settlement: Settlement) {
    let _span = delivery.trace.settle(settlement.as_str());
    delivery.settle(settlement).await;
}

async fn bury_and_settle(delivery: Delivery, desk: &Desk, reason: Reason, took: Option<Duration>) {
    let attempts = delivery.attempt - 1 + delivery.crashes();
    let end = End { reason, attempts, took, failures: &delivery.failures, trace: &delivery.trace };
    if bury(&delivery.message, &desk.crew, end).await.is_ok() {
        settle(delivery, Settlement::Term("dead-lettered")).await;
    }
}

/// What no try can help waits with its dead letter until the actor is free.
async fn bury_untried(delivery: Delivery, desk: &Desk, reason: Reason) {
    while reason == Reason::Keyless && !desk.crew.helm.may_bury() {
        tokio::select! {
            () = desk.crew.helm.free() => {}
            () = desk.crew.drain.begun() => return,
        }
    }
    bury_and_settle(delivery, desk, reason, None).await;
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the handler panicked: {}", text.unwrap_or("with something that is not text"))
}
