//! `GET /livez` and `GET /readyz`: looked at twice a second, told at any time.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

use super::readiness::{Fault, Readiness};
use super::server::{Core, Phase, Subject};
use crate::engine::Trouble;
use crate::http::json_response;
use crate::message::AlertName;
use crate::nats::Connection;

/// How often we look.
const PERIOD: Duration = Duration::from_millis(500);

/// How long the broker may be away: a reconnect takes less.
const BROKER_AWAY: Duration = Duration::from_secs(1);

/// How long what the server denied counts: longer than until it is asked for again.
const DENIED: Duration = Duration::from_secs(15);

/// How long a thread may be silent, beyond what makes the watchdog name it.
const THREAD_SILENT: Duration = Duration::from_secs(3);

/// How long the process's loops may be silent before it counts as dead: no handler should have a thread for so long.
const DEAD: Duration = Duration::from_secs(30);

/// What the last look came to.
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    /// Why we are not ready; empty when we are.
    pub(super) reasons: Vec<String>,
    /// When we looked.
    pub(super) at: Instant,
}

/// An answer about health.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Health")]
pub(super) struct HealthView {
    /// `live` or `not live`; `ready` or `not ready`.
    status: &'static str,
    /// Why not, in words.
    reasons: Vec<String>,
}

/// Looks again and again, without an end.
pub(super) async fn keep(core: Arc<Core>) {
    let mut readiness = Readiness::default();
    let mut looks = tokio::time::interval(PERIOD);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let now = Instant::now();
        let reasons = match core.phase() {
            Phase::Working => {
                let faults = core.subject().map(faults).unwrap_or_default();
                let reasons = readiness.judge(faults, now);
                log(&core.verdict().reasons, &reasons);
                reasons
            }
            phase => phase.reasons(),
        };
        core.set_verdict(Verdict { reasons, at: now });
    }
}

/// `GET /livez`
pub(super) fn live(State(core): State<Arc<Core>>) -> Ready<Response<Body>> {
    let mut reasons = Vec::new();
    if core.verdict().at.elapsed() > DEAD {
        reasons.push(format!("the process has not looked after itself for {} s", DEAD.as_secs()));
    }
    if let Some(subject) = core.subject().filter(|subject| subject.watch.longest_silence() > DEAD) {
        let silent = subject.watch.troubles().into_iter().filter(is_of_thread);
        reasons.extend(silent.map(|trouble| trouble.to_string()));
    }
    let status = if reasons.is_empty() { "live" } else { "not live" };
    answer(HealthView { status, reasons })
}

/// `GET /readyz`
pub(super) fn is_ready(State(core): State<Arc<Core>>) -> Ready<Response<Body>> {
    // The phase changes between two looks, too.
    let reasons = match core.phase() {
        Phase::Working => core.verdict().reasons,
        phase => phase.reasons(),
    };
    let status = if reasons.is_empty() { "ready" } else { "not ready" };
    answer(HealthView { status, reasons })
}

fn answer(view: HealthView) -> Ready<Response<Body>> {
    let status = if view.reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::to_value(view).expect("health is plain data");
    ready(json_response(status, "application/json", &body))
}

/// All that is wrong at this moment.
fn faults(subject: &Subject) -> Vec<Fault> {
    let mut faults: Vec<Fault> = subject.connections.iter().flat_map(broker).collect();
    faults.extend(subject.watch.troubles().into_iter().map(|trouble| Fault {
        subject: trouble.subject(),
        text: trouble.to_string(),
        patience: if is_of_thread(&trouble) { THREAD_SILENT } else { Duration::ZERO },
    }));
    // Another process may do what this one cannot. The other alerts are about streams, handlers and brokers.
    let stalled = subject.watch.alerts().into_iter().filter(|alert| alert.name == AlertName::Stalled);
    faults.extend(stalled.map(|alert| Fault {
        subject: format!("stalled {}", alert.actor),
        text: format!("actor `{}`: {}", alert.actor, alert.text),
        patience: Duration::ZERO,
    }));
    faults
}

fn is_of_thread(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Blocked { .. })
}

fn broker(connection: &Connection) -> impl Iterator<Item = Fault> {
    let away = (!connection.link().borrow().is_up).then(|| Fault {
        subject: "broker".to_owned(),
        text: "the connection to NATS is lost".to_owned(),
        patience: BROKER_AWAY,
    });
    let refusal = connection.last_server_error(DENIED).and_then(|refusal| denied(&refusal.text));
    let denied = refusal.map(|text| Fault { subject: "denied".to_owned(), text, patience: Duration::ZERO });
    [away, denied].into_iter().flatten()
}

/// What the server does not let us do. A subject of the topology's own names an entity, which not all who may ask
/// whether we are ready should learn.
fn denied(refusal: &str) -> Option<String> {
    let lower = refusal.to_lowercase();
    if !lower.contains("permissions violation") && !lower.contains("authorization violation") {
        return None;
    }
    let subject = refusal.split('"').nth(1).filter(|subject| subject.starts_with('$'));
    Some(match subject {
        Some(subject) => format!("NATS denies us `{subject}`: our user lacks a permission"),
        None => "NATS denies us a subject, which the log names: our user lacks a permission".to_owned(),
    })
}

fn log(before: &[String], after: &[String]) {
    match (before.is_empty(), after.is_empty()) {
        (true, false) => warn!(reasons = after.join("; "), "readiness is lost"),
        (false, true) => info!("readiness is regained"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_told_without_naming_an_entity() {
        let told = |subject: &str| denied(&format!("Permissions Violation for Publish to \"{subject}\""));

        assert!(told("$JS.API.CONSUMER.INFO.X.y").is_some_and(|text| text.contains("CONSUMER.INFO.X.y")));
        assert!(told("orders.ada.placed").is_some_and(|text| !text.contains("ada")));
        assert_eq!(denied("Slow Consumer"), None);
    }
}
