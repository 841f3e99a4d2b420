//! `GET /metrics`, in Prometheus' text format.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tracing::warn;

use crate::telemetry::metric::Exposition;

/// All instruments at this moment.
pub(super) async fn text(State(exposition): State<Exposition>) -> Response {
    let content_type = exposition.content_type();
    // It reads all shards' accounts under their locks: no work for a thread that others' input waits for.
    match tokio::task::spawn_blocking(move || exposition.text()).await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, content_type)], text).into_response(),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::error::Error) -> Response {
    warn!(%error, "metrics cannot be shown");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
