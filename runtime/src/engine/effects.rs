//! What an attempt leaves in the world: emits and state, in this order, before the ack.

mod patience;
mod state;
mod states;

use std::time::SystemTime;

use tidegate::erased::Applied;

pub(super) use self::patience::{Interrupted, until_taken};
pub(super) use self::state::Loaded;
pub(super) use self::states::States;
use super::crew::{Crew, Emission};
use super::delivery::Delivery;
use super::partition::Desk;
use crate::message::{Cause, Failure};
use crate::port::{SinkError, StoreError};
use crate::telemetry::span::{self, AttemptSpan};

/// What became of the effects.
#[derive(Debug)]
pub(super) enum Effects {
    /// All is stored.
    Stored,
    /// Somebody else wrote the state since it was loaded: the attempt is to be made again on what they wrote.
    Conflict,
    /// They can never be stored: a mistake in the handler or the topology.
    Impossible(Failure),
}

/// The entity's state, read unless we saved it; `None` for a handler that keeps none. `Err` inside means that it can never
/// be read.
pub(super) async fn load(
    delivery: &Delivery,
    desk: &Desk,
) -> Result<Result<Option<Loaded>, Failure>, Interrupted> {
    let Some(store) = desk.crew.store.as_ref().filter(|_| desk.handler.keeps_state()) else {
        return Ok(Ok(None));
    };
    let crew = &desk.crew;
    if let Some(saved) = desk.states.borrow_mut().take(&delivery.message.key, crew.tenure.grants()) {
        return Ok(Ok(Some(saved)));
    }
    let load = || store.load(&delivery.message.key);
    let loading = until_taken(crew, &delivery.message.key, "state_blocked", is_final, load);
    let entry = Box::pin(loading).await?;
    Ok(entry.map(|entry| Some(Loaded::new(entry))).map_err(|error| hopeless(delivery, &error)))
}

/// Publishes the emits, then saves the state.
pub(super) async fn apply(
    delivery: &Delivery,
    desk: &Desk,
    applied: Applied,
    loaded: Option<Loaded>,
    span: &AttemptSpan,
) -> Result<Effects, Interrupted> {
    let crew = &desk.crew;
    let emissions = match crew.address(&delivery.message, applied.emits) {
        Ok(emissions) => emissions,
        Err(error) => return Ok(Effects::Impossible(hopeless(delivery, &error))),
    };
    // One after the other: the streams keep them in the handler's order.
    for emission in emissions {
        if let Err(error) = Box::pin(publish(crew, &delivery.message.key, emission, span)).await? {
            return Ok(Effects::Impossible(hopeless(delivery, &error)));
        }
    }
    let (Some(store), Some(loaded), Some(state)) = (&crew.store, loaded, applied.state) else {
        return Ok(Effects::Stored);
    };
    let (successor, value) = loaded.successor(&delivery.message, &state);
    let grant = crew.tenure.grants();
    let save = || store.save(&delivery.message.key, value.clone(), loaded.revision());
    let saving = until_taken(crew, &delivery.message.key, "state_blocked", is_final, save);
    match Box::pin(saving).await? {
        Ok(revision) => {
            desk.states.borrow_mut().keep(&delivery.message.key, successor.saved_as(revision), grant);
            Ok(Effects::Stored)
        }
        Err(StoreError::Conflict) => Ok(Effects::Conflict),
        Err(error) => Ok(Effects::Impossible(hopeless(delivery, &error))),
    }
}

fn is_final(error: &StoreError) -> bool {
    !matches!(error, StoreError::Unavailable(_))
}

/// What no retry cures.
fn hopeless(delivery: &Delivery, error: &dyn std::error::Error) -> Failure {
    Failure::new(delivery.attempt, SystemTime::now(), Cause::Terminal, error.to_string())
}

async fn publish(
    crew: &Crew,
    key: &str,
    emission: Emission<'_>,
    span: &AttemptSpan,
) -> Result<Result<(), SinkError>, Interrupted> {
    let Emission { pattern, port, mut outbound } = emission;
    let mut publishing = span::publish(span, pattern.as_str(), &port);
    publishing.describe(&outbound.subject, &outbound.id, outbound.payload.len());
    publishing.inject(&mut outbound.headers);
    let stored = until_taken(crew, key, "emit_blocked", SinkError::is_permanent, || {
        crew.publish(&outbound, pattern.as_str())
    })
    .await?;
    if let Err(error) = &stored {
        publishing.failed("refused", &error.to_string());
    }
    Ok(stored)
}
