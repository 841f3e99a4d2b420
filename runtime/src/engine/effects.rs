//! What an attempt leaves in the world: emits and state, in this order, before the ack.

mod patience;
mod state;

use std::time::SystemTime;

use futures_util::future::try_join_all;
use tidegate::erased::Applied;

pub(super) use self::patience::{Interrupted, until_taken};
pub(super) use self::state::Loaded;
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

/// Reads the entity's state; `None` for a handler that keeps none.
pub(super) async fn load(delivery: &Delivery, desk: &Desk) -> Result<Option<Loaded>, Interrupted> {
    let Some(store) = desk.crew.store.as_ref().filter(|_| desk.handler.keeps_state()) else {
        return Ok(None);
    };
    let key = &delivery.message.key;
    let never = |_: &StoreError| false;
    let entry = until_taken(&desk.crew, "state_blocked", never, || store.load(key)).await?;
    Ok(Some(Loaded::new(entry.ok().flatten())))
}

/// Publishes the emits, then saves the state.
pub(super) async fn apply(
    delivery: &Delivery,
    crew: &Crew,
    applied: Applied,
    loaded: Option<Loaded>,
    span: &AttemptSpan,
) -> Result<Effects, Interrupted> {
    let impossible = |error: String| {
        Ok(Effects::Impossible(Failure::new(delivery.attempt, SystemTime::now(), Cause::Terminal, error)))
    };
    if !applied.emits.is_empty() {
        let emissions = match crew.address(&delivery.message, applied.emits) {
            Ok(emissions) => emissions,
            Err(error) => return impossible(error.to_string()),
        };
        let published =
            try_join_all(emissions.into_iter().map(|emission| publish(crew, emission, span))).await?;
        if let Some(error) = published.into_iter().find_map(Result::err) {
            return impossible(error.to_string());
        }
    }
    let (Some(store), Some(loaded), Some(state)) = (&crew.store, loaded, applied.state) else {
        return Ok(Effects::Stored);
    };
    let value = Loaded::successor(&delivery.message, &state);
    let is_final = |error: &StoreError| !matches!(error, StoreError::Unavailable(_));
    let save = || store.save(&delivery.message.key, value.clone(), loaded.revision());
    match until_taken(crew, "state_blocked", is_final, save).await? {
        Ok(_) => Ok(Effects::Stored),
        Err(StoreError::Conflict) => Ok(Effects::Conflict),
        Err(error) => impossible(error.to_string()),
    }
}

async fn publish(
    crew: &Crew,
    emission: Emission<'_>,
    span: &AttemptSpan,
) -> Result<Result<(), SinkError>, Interrupted> {
    let Emission { pattern, port, mut outbound } = emission;
    let mut publishing = span::publish(span, pattern.as_str(), &port);
    publishing.describe(&outbound.subject, &outbound.id, outbound.payload.len());
    publishing.inject(&mut outbound.headers);
    let stored =
        until_taken(crew, "emit_blocked", SinkError::is_permanent, || crew.sink.publish(outbound.clone()))
            .await?;
    if let Err(error) = &stored {
        publishing.failed("refused", &error.to_string());
    }
    Ok(stored)
}
