//! What the runtime relies on when it calls a handler.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

use tidegate::erased::{Applied, Attempt, DynHandler, erase};
use tidegate::prelude::*;
use tidegate::subject::TokenNames;
use tidegate::{EntityState, FromPayload, Headers, Message};

fn message(payload: &'static [u8]) -> Arc<Message> {
    Arc::new(Message {
        subject: "counts.7".into(),
        tokens: TokenNames::default(),
        headers: Headers::new(),
        payload: Bytes::from_static(payload),
        stream: "COUNTS".into(),
        sequence: 1,
        published: SystemTime::UNIX_EPOCH,
        key: "7".into(),
    })
}

fn first_attempt() -> Attempt {
    Attempt { number: 1, deadline: Instant::now() + Duration::from_secs(30) }
}

async fn attempt(handler: &dyn DynHandler, payload: &'static [u8], state: Option<&[u8]>) -> Result<Applied> {
    handler.attempt(&message(payload), state, first_attempt()).await
}

fn counting() -> Arc<dyn DynHandler> {
    erase(handler_fn_with_context(async |by: u64, cx: &mut Context<u64>| {
        cx.state += by;
        Ok(())
    }))
}

#[tokio::test]
async fn state_goes_in_and_comes_out_as_json() {
    let handler = counting();

    let first = attempt(&*handler, b"2", None).await.expect("applied");
    let second = attempt(&*handler, b"3", first.state.as_deref()).await.expect("applied");

    assert!(handler.keeps_state());
    assert_eq!(first.state.as_deref(), Some(&b"2"[..]));
    assert_eq!(second.state.as_deref(), Some(&b"5"[..]));
}

#[tokio::test]
async fn a_handler_without_state_saves_none() {
    let handler = erase(handler_fn(async |_: u64| Ok(())));

    let applied = attempt(&*handler, b"2", Some(b"left by an earlier version")).await.expect("applied");

    assert!(!handler.keeps_state());
    assert_eq!(applied, Applied { emits: Vec::new(), state: None });
}

#[tokio::test]
async fn what_cannot_be_read_is_undecodable() {
    let handler = counting();

    let payload = attempt(&*handler, b"two", None).await.unwrap_err();
    let state = attempt(&*handler, b"2", Some(b"many")).await.unwrap_err();

    assert_eq!(payload.decision(), Decision::Undecodable);
    assert_eq!(state.decision(), Decision::Undecodable);
    assert_eq!(state.chain().next().as_deref(), Some("the entity's state is unreadable"));
}

#[tokio::test]
async fn what_cannot_be_written_is_terminal() {
    let handler = erase(handler_fn(async |_: u64| Ok(Endless)));

    let error = attempt(&*handler, b"2", None).await.unwrap_err();

    assert_eq!(error.decision(), Decision::Terminal);
}

#[tokio::test]
async fn raw_and_messagepack_payloads_are_a_handlers_choice() {
    let bytes = erase(handler_fn(async |Raw(bytes): Raw<Bytes>| Ok(Outgoing::new("same", bytes))));
    let text = erase(handler_fn(async |Raw(text): Raw<String>| Ok(Outgoing::new("same", text))));
    let packed = erase(handler_fn(async |MsgPack(number): MsgPack<u64>| {
        Ok(Outgoing::new("same", number.to_string()))
    }));

    let same = |payload: &'static str| vec![Outgoing::new("same", payload)];
    assert_eq!(attempt(&*bytes, b"{", None).await.expect("applied").emits, same("{"));
    assert_eq!(attempt(&*text, b"{", None).await.expect("applied").emits, same("{"));
    assert_eq!(attempt(&*packed, &[7], None).await.expect("applied").emits, same("7"));
    assert_eq!(attempt(&*text, &[0xff], None).await.unwrap_err().decision(), Decision::Undecodable);
    assert_eq!(attempt(&*packed, &[0xc1], None).await.unwrap_err().decision(), Decision::Undecodable);
}

#[tokio::test]
async fn a_panic_before_the_first_await_unwinds_out_of_the_future() {
    let handler = erase(Eager);
    let message = message(b"2");

    let mut attempting = handler.attempt(&message, None, first_attempt());
    let panicked = poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| attempting.as_mut().poll(cx)));
        Poll::Ready(polled.is_err())
    });

    assert!(panicked.await);
}

struct Endless;

impl IntoEmits for Endless {
    fn into_emits(self) -> Result<Vec<Outgoing>, CodecError> {
        codec::json(&std::collections::BTreeMap::from([((1, 2), 3)])).map(|_| Vec::new())
    }
}

struct Eager;

impl Handler for Eager {
    type Input = u64;
    type State = ();
    type Output = ();

    fn handle(&self, _input: u64, _cx: &mut Context<()>) -> impl Future<Output = Result<()>> + Send {
        assert!(first_attempt().number > 1, "boom");
        async { Ok(()) }
    }
}

/// Fails to compile when a type that authors use all the time stops fitting.
#[test]
fn everyday_types_fit() {
    fn input<T: FromPayload>() {}
    fn state<S: EntityState>() {}

    input::<serde_json::Value>();
    input::<Vec<String>>();
    input::<()>();
    state::<Option<u64>>();
    state::<std::collections::BTreeMap<String, u64>>();
}
