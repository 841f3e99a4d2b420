//! `GET /api/v1/…`: what this instance runs, and what becomes of it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use serde::Serialize;

use super::server::{Core, Subject};
use super::view::{ActorDetail, ActorList, AlertList, PartitionView};
use crate::http::{Code, Problem, json_response};

/// `GET /api/v1/topology`
pub(super) async fn topology(State(core): State<Arc<Core>>) -> Response<Body> {
    show(core, |subject| Ok(subject.topology.clone())).await
}

/// `GET /api/v1/actors`
pub(super) async fn actors(State(core): State<Arc<Core>>) -> Response<Body> {
    show(core, |subject| Ok(ActorList::of(&subject.watch))).await
}

/// `GET /api/v1/alerts`
pub(super) async fn alerts(State(core): State<Arc<Core>>) -> Response<Body> {
    show(core, |subject| Ok(AlertList::of(&subject.watch))).await
}

/// `GET /api/v1/actors/{actor}`
pub(super) async fn actor(
    State(core): State<Arc<Core>>,
    path: Result<Path<String>, PathRejection>,
) -> Response<Body> {
    show(core, |subject| {
        let Path(actor) = path.map_err(|_| no_actor())?;
        ActorDetail::of(&actor, &subject.watch).ok_or_else(no_actor)
    })
    .await
}

/// `GET /api/v1/actors/{actor}/partitions/{partition}`
pub(super) async fn partition(
    State(core): State<Arc<Core>>,
    path: Result<Path<(String, u32)>, PathRejection>,
) -> Response<Body> {
    show(core, |subject| {
        let Path((actor, partition)) = path.map_err(|_| no_partition())?;
        if !subject.topology.has_partition(&actor, partition) {
            return Err(no_partition());
        }
        PartitionView::of(&actor, partition, &subject.watch).ok_or_else(no_partition)
    })
    .await
}

/// Shows what is seen. It reads all shards' accounts under their locks: no work for a thread that others' input waits for.
async fn show<T: Serialize>(
    core: Arc<Core>,
    view: impl FnOnce(&Subject) -> Result<T, Problem> + Send + 'static,
) -> Response<Body> {
    let looking = tokio::task::spawn_blocking(move || {
        let subject = core.subject().ok_or_else(not_yet)?;
        Ok(serde_json::to_value(view(subject)?).expect("what is shown is plain data"))
    });
    match looking.await.unwrap_or_else(|_| Err(Problem::new(Code::Unavailable, "it cannot be shown"))) {
        Ok(shown) => json_response(StatusCode::OK, "application/json", &shown),
        Err(problem) => problem.respond(),
    }
}

fn not_yet() -> Problem {
    Problem::new(Code::Unavailable, "the topology is being started")
}

fn no_actor() -> Problem {
    Problem::new(Code::NotFound, "there is no such actor; see /api/v1/topology")
}

fn no_partition() -> Problem {
    Problem::new(Code::NotFound, "there is no such partition; see /api/v1/topology")
}
