//! What becomes of a line, driven as the runtime would.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate::Settings;
use tidegate::testing::{Cause, Event, Lanes, Outcome, Reason};

const SUBJECT: &str = "orders.42.placed";

fn lanes(settings: Value) -> Lanes {
    let handler = super::handler(Settings::from(settings)).expect("valid settings");
    Lanes::new(handler)
        .subject("orders.{order}.placed")
        .emits("authorized", "payments.{order}.authorized")
        .emits("declined", "payments.{order}.declined")
        .timeout(Duration::from_millis(50))
}

async fn pay(line: Value) -> Outcome {
    lanes(json!({ "limit_cents": 500 })).send(SUBJECT, &line).await
}

fn causes(outcome: &Outcome) -> Vec<Cause> {
    outcome.failures.iter().map(|failure| failure.cause).collect()
}

#[tokio::test]
async fn a_line_is_authorized() {
    let outcome = pay(json!({ "line": 3, "sku": "hat", "quantity": 2, "cents": 500 })).await;

    let [authorized] = &outcome.emitted("authorized")[..] else { panic!("{outcome:?}") };
    assert_eq!(authorized["line"], 3);
    assert_eq!(authorized["sku"], "hat");
    assert_eq!(outcome.subjects, ["payments.42.authorized"]);
}

#[tokio::test]
async fn a_declined_line_is_done() {
    let outcome = pay(json!({ "line": 1, "sku": "yacht", "quantity": 1, "cents": 501 })).await;

    assert_eq!(outcome.emitted("declined"), [json!({ "line": 1, "cents": 501, "reason": "over the limit" })]);
    assert!(outcome.is_done());
}

#[tokio::test]
async fn a_gateway_that_is_away_is_asked_until_the_attempts_are_used_up() {
    let mut lanes = lanes(json!({ "unavailable_per_mille": 1000 })).max_deliver(3);

    let outcome = lanes.send(SUBJECT, &json!({ "line": 1, "sku": "hat", "quantity": 1, "cents": 7 })).await;

    assert_eq!(outcome.attempts, 3);
    let dead_letter = outcome.dead_letter.expect("no attempt succeeded");
    assert_eq!(dead_letter.reason, Reason::Failed);
    assert_eq!(dead_letter.errors, ["charging 7 cents", "the gateway answered 503 service unavailable"]);
}

#[tokio::test]
async fn a_line_without_a_quantity_is_never_tried_again() {
    let outcome = pay(json!({ "line": 1, "sku": "hat", "quantity": 0, "cents": 7 })).await;

    assert_eq!(outcome.attempts, 1);
    assert_eq!(outcome.dead_letter.map(|dead| dead.reason), Some(Reason::Terminal));
}

#[tokio::test]
async fn what_goes_wrong_once_is_made_good() {
    for (trouble, cause) in [("stumbles", Cause::Panic), ("hangs", Cause::Timeout)] {
        let line = json!({ "line": 1, "sku": "hat", "quantity": 1, "cents": 7, "trouble": trouble });

        let outcome = pay(line).await;

        assert_eq!(causes(&outcome), [cause]);
        assert!(outcome.is_done());
    }
}

#[tokio::test]
async fn what_always_panics_is_dead_lettered() {
    let outcome =
        pay(json!({ "line": 1, "sku": "hat", "quantity": 1, "cents": 7, "trouble": "panics" })).await;

    assert_eq!(causes(&outcome), [Cause::Panic; 5]);
    assert_eq!(outcome.dead_letter.map(|dead| dead.reason), Some(Reason::Failed));
}

#[tokio::test]
async fn poison_is_undecodable() {
    let outcome = lanes(json!({})).deliver(Event::raw(SUBJECT, "{\"line\": 1, \"sk")).await;

    assert_eq!(outcome.dead_letter.map(|dead| dead.reason), Some(Reason::Undecodable));
}

#[test]
fn unknown_settings_are_refused() {
    assert!(super::handler(Settings::from(json!({ "limit": 500 }))).is_err());
}
