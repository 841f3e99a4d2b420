//! The test kit does what the runtime promises.

use std::future::pending;
use std::time::Duration;

use serde_json::json;
use tidegate::prelude::*;
use tidegate::testing::{Cause, Event, Lanes, Reason};

#[derive(Serialize)]
struct Total {
    sum: u64,
}

impl Emit for Total {
    const PORT: &'static str = "total";
}

async fn add(by: u64, cx: &mut Context<u64>) -> Result<Total> {
    cx.state += by;
    Ok(Total { sum: cx.state })
}

fn summing() -> Lanes {
    Lanes::new(handler_fn_with_context(add)).subject("sums.{account}.{year}")
}

/// Fails in one way or another until the attempt whose number the event says.
fn troubled() -> Lanes {
    let handler = handler_fn_with_context(async |good: u32, cx: &mut Context<u32>| {
        cx.state += 1;
        match cx.attempt() {
            number if number >= good => Ok(()),
            1 => Err(HandlerError::new("busy")),
            2 => panic!("attempt {}", 2),
            3 => Err(HandlerError::retry_after(Duration::from_mins(1), "busier")),
            _ => "x".parse::<u32>().map(drop).context("the most busy"),
        }
    });
    Lanes::new(handler).subject("work.{entity}")
}

#[tokio::test]
async fn each_entity_has_its_own_state() {
    let mut lanes = summing().with_state("ben", &100);

    lanes.send("sums.ada.2024", &1).await;
    lanes.send("sums.ben.2024", &10).await;
    let last = lanes.send("sums.ada.2025", &2).await;

    assert_eq!(last.emitted("total"), [json!({ "sum": 3 })]);
    assert_eq!(lanes.state::<u64>("ada"), 3);
    assert_eq!(lanes.state::<u64>("ben"), 110);
    assert_eq!(lanes.state::<u64>("eve"), 0);
}

#[tokio::test]
async fn the_key_is_a_token_or_what_the_event_says_or_the_subject() {
    let mut by_token = summing().key("year");
    by_token.send("sums.ada.2024", &1).await;
    by_token.deliver(Event::json("sums.ada.2024", &10).key("by header")).await;
    let mut by_subject = Lanes::new(handler_fn_with_context(add));
    by_subject.send("sums.ada", &2).await;

    assert_eq!(by_token.state::<u64>("2024"), 1);
    assert_eq!(by_token.state::<u64>("by header"), 10);
    assert_eq!(by_subject.state::<u64>("sums.ada"), 2);
}

#[tokio::test]
async fn failed_attempts_are_repeated_and_leave_no_trace() {
    let mut lanes = troubled();

    let outcome = lanes.send("work.a", &4).await;

    assert!(outcome.is_done());
    assert_eq!(outcome.attempts, 4);
    assert_eq!(outcome.waits, [200, 1_000, 60_000].map(Duration::from_millis));
    assert_eq!(outcome.failures[1].cause, Cause::Panic);
    assert_eq!(outcome.failures[1].errors, ["attempt 2"]);
    assert_eq!(lanes.state::<u32>("a"), 1);
}

#[tokio::test]
async fn the_last_failure_dead_letters() {
    let mut lanes = troubled();

    let outcome = lanes.send("work.a", &9).await;

    assert!(!outcome.is_done());
    assert_eq!(outcome.attempts, 5);
    assert_eq!(outcome.waits.len(), 4);
    let dead_letter = outcome.dead_letter.expect("a dead letter");
    assert_eq!(dead_letter.reason, Reason::Failed);
    assert_eq!(dead_letter.errors, ["the most busy", "invalid digit found in string"]);
    assert_eq!(lanes.state::<u32>("a"), 0);
}

#[tokio::test]
async fn what_cannot_succeed_is_tried_once() {
    let mut refusing = Lanes::new(handler_fn(async |_: u64| Err::<(), _>(HandlerError::terminal("no"))));

    let refused = refusing.send("work", &1).await;
    let poison = refusing.deliver(Event::raw("work", "{")).await;

    assert_eq!((refused.attempts, poison.attempts), (1, 1));
    assert_eq!(refused.dead_letter.map(|dead| dead.reason), Some(Reason::Terminal));
    assert_eq!(poison.dead_letter.map(|dead| dead.reason), Some(Reason::Undecodable));
}

#[tokio::test]
async fn backoff_repeats_its_last_step_and_tries_are_counted() {
    let step = Duration::from_secs(1);
    let mut lanes = Lanes::new(handler_fn(async |_: u64| Err::<(), _>(HandlerError::new("busy"))))
        .max_deliver(4)
        .backoff([Duration::ZERO, step]);

    let outcome = lanes.send("work", &1).await;

    assert_eq!(outcome.waits, [Duration::ZERO, step, step]);
}

#[tokio::test]
async fn a_hanging_handler_times_out() {
    let mut lanes = Lanes::new(handler_fn(async |_: u64| {
        pending::<()>().await;
        Ok(())
    }))
    .timeout(Duration::from_millis(10))
    .max_deliver(2);

    let outcome = lanes.send("work", &1).await;

    let causes: Vec<Cause> = outcome.failures.iter().map(|failure| failure.cause).collect();
    assert_eq!(causes, [Cause::Timeout, Cause::Timeout]);
}

#[tokio::test]
async fn a_handler_that_waits_is_waited_for() {
    let mut lanes = Lanes::new(handler_fn(async |_: u64| {
        tokio::time::sleep(Duration::from_millis(5)).await;
        blocking(|| ()).await;
        Ok(())
    }));

    assert_eq!(lanes.send("work", &1).await.failures, []);
}

#[tokio::test]
async fn redelivery_applies_once_with_state_and_again_without() {
    let mut with_state = summing();
    let mut without = Lanes::new(handler_fn(async |sum: u64| Ok(Total { sum })));

    let applied = with_state.send("sums.ada.2024", &1).await;
    let acked = with_state.redeliver(applied.sequence).await;
    let first = without.send("sums", &1).await;
    let second = without.redeliver(first.sequence).await;

    assert_eq!((acked.attempts, acked.emits.len()), (0, 0));
    assert_eq!(with_state.state::<u64>("ada"), 1);
    assert_eq!((second.attempts, second.emits), (1, first.emits));
}

#[tokio::test]
async fn mapped_ports_show_where_emits_go() {
    let mut lanes = summing().emits("total", "totals.{account}");
    let mut unmapped = summing().emits("other", "others.{account}");
    let mut without_value = summing().emits("total", "totals.{customer}");

    let outcome = lanes.send("sums.ada.2024", &1).await;

    assert_eq!(outcome.subjects, ["totals.ada"]);
    for lanes in [&mut unmapped, &mut without_value] {
        let dead_letter = lanes.send("sums.ada.2024", &1).await.dead_letter;
        assert_eq!(dead_letter.map(|dead| dead.reason), Some(Reason::Terminal));
    }
}

#[tokio::test]
async fn the_context_knows_the_event() {
    let handler = handler_fn_with_context(async |(): (), cx: &mut Context<Vec<String>>| {
        let header = cx.headers().get("Customer").unwrap_or("nobody").to_owned();
        let token = cx.token("year").unwrap_or("never").to_owned();
        let place = format!("{}:{}", cx.stream(), cx.sequence());
        cx.state = vec![cx.key().to_owned(), cx.subject().to_owned(), token, header, place];
        assert!(cx.remaining() > Duration::from_secs(29) && cx.remaining() <= Duration::from_secs(30));
        Ok(())
    });
    let mut lanes = Lanes::new(handler).subject("sums.{account}.{year}").stream("SUMS");

    let event = Event::msgpack("sums.ada.2024", &()).header("Customer", "ada");
    let poison = lanes.deliver(event).await;
    lanes.deliver(Event::json("sums.ada.2024", &()).header("Customer", "Ada L.")).await;

    assert_eq!(poison.dead_letter.map(|dead| dead.reason), Some(Reason::Undecodable));
    let seen: Vec<String> = lanes.state("ada");
    assert_eq!(seen, ["ada", "sums.ada.2024", "2024", "Ada L.", "SUMS:2"]);
}
