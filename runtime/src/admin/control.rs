//! `POST /api/v1/actors/{actor}/pause`, `resume`, `drain`: says what an actor may do, in all instances.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::server::{Core, Subject};
use crate::http::{Code, Problem, json_response, whole};
use crate::message::{Control, ControlState};
use crate::port::ControlsError;

/// The largest body: a reason.
const LARGEST: usize = 4096;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often we try anew when somebody else changes the same.
const TRIES: u32 = 3;

type ActorPath = Result<Path<String>, PathRejection>;

/// What may be said beside it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Reason {
    /// Why, for whoever wonders later.
    why: String,
}

/// What an actor may do from here on.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Control")]
pub(super) struct ControlView {
    actor: String,
    /// `working`, `paused`, `draining`, `probing`.
    state: &'static str,
    why: String,
    /// Who said so: `admin:` and the name of a token, an instance, or a person.
    by: String,
}

/// `POST /api/v1/actors/{actor}/pause`
pub(super) async fn pause(
    State(core): State<Arc<Core>>,
    path: ActorPath,
    request: Request,
) -> Response<Body> {
    answer(&core, path, ControlState::Paused, request).await
}

/// `POST /api/v1/actors/{actor}/resume`
pub(super) async fn resume(
    State(core): State<Arc<Core>>,
    path: ActorPath,
    request: Request,
) -> Response<Body> {
    answer(&core, path, ControlState::Working, request).await
}

/// `POST /api/v1/actors/{actor}/drain`
pub(super) async fn drain(
    State(core): State<Arc<Core>>,
    path: ActorPath,
    request: Request,
) -> Response<Body> {
    answer(&core, path, ControlState::Draining, request).await
}

async fn answer(core: &Core, path: ActorPath, state: ControlState, request: Request) -> Response<Body> {
    match perform(core, path, state, request).await {
        Ok(view) => {
            let body = serde_json::to_value(&view).expect("a control is plain data");
            json_response(StatusCode::OK, "application/json", &body)
        }
        Err(problem) => problem.respond(),
    }
}

async fn perform(
    core: &Core,
    path: ActorPath,
    state: ControlState,
    request: Request,
) -> Result<ControlView, Problem> {
    let name = core.access.may_change(request.headers())?;
    let no_actor = || Problem::new(Code::NotFound, "there is no such actor; see /api/v1/topology");
    let Path(actor) = path.map_err(|_| no_actor())?;
    let Reason { why } = reason(request.into_body()).await?;
    let subject = core.subject().ok_or_else(|| unavailable("the topology is being started"))?;
    if !subject.topology.has_actor(&actor) {
        return Err(no_actor());
    }
    let control = set(subject, &actor, state, &why, &format!("admin:{name}")).await?;
    Ok(ControlView { actor, state: control.state.as_str(), why: control.why, by: control.by })
}

/// The body, which may be left out.
async fn reason(body: Body) -> Result<Reason, Problem> {
    let body = whole(body, LARGEST, PATIENCE).await?;
    if body.is_empty() {
        return Ok(Reason::default());
    }
    serde_json::from_slice(&body)
        .map_err(|error| Problem::new(Code::Malformed, format!("the body is not `{{\"why\": …}}`: {error}")))
}

async fn set(
    subject: &Subject,
    actor: &str,
    state: ControlState,
    why: &str,
    by: &str,
) -> Result<Control, Problem> {
    for _ in 0..TRIES {
        let (before, revision) = subject.controls.find(actor).await.map_err(|error| refused(&error))?;
        if before.state == state {
            return Ok(before);
        }
        let after = before.followed_by(state, SystemTime::now(), why, by);
        match subject.controls.set(actor, &after, revision).await {
            Ok(_) => {
                info!(
                    actor,
                    before = before.state.as_str(),
                    state = state.as_str(),
                    why,
                    by,
                    "actor controlled"
                );
                return Ok(after);
            }
            Err(ControlsError::Conflict) => {}
            Err(error) => return Err(refused(&error)),
        }
    }
    Err(Problem::new(
        Code::Conflict,
        "others change what this actor may do at the same time; see, and try again",
    ))
}

fn refused(error: &ControlsError) -> Problem {
    warn!(%error, "an actor cannot be controlled");
    unavailable(
        "the broker does not answer: it may have been changed or not; the same can be asked for again",
    )
}

fn unavailable(detail: &str) -> Problem {
    Problem::new(Code::Unavailable, detail)
}
