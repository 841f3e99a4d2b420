//! One event: published at once or refused, never made to wait.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::entry::Door;
use super::event::Mould;
use super::refusal;
use crate::http::{Problem, json_response, whole};

/// Takes the event and answers when a stream has stored it.
pub(super) async fn take(door: &Door, mould: &Mould<'_>, body: Body) -> Result<Response<Body>, Problem> {
    let payload = whole(body, door.max_body, door.timeout).await?;
    let size = payload.len();
    let event = mould.event(payload, None)?;
    let receipt = door.producer.try_publish(event).await.map_err(refusal::of)?;
    door.counters.stored(size);
    let stored = json!({
        "stream": receipt.stream,
        "sequence": receipt.sequence,
        "duplicate": receipt.is_duplicate,
    });
    Ok(json_response(StatusCode::ACCEPTED, "application/json", &stored))
}
