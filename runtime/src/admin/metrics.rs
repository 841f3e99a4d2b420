//! `GET /metrics`, in Prometheus' text format.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tracing::warn;

use super::server::Core;

/// All instruments at this moment.
pub(super) async fn text(State(core): State<Arc<Core>>) -> Response {
    let exposition = core.exposition.clone();
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
