//! A test kit: drives a handler as the runtime would, without a runtime and without NATS.
//!
//! [`Lanes`] sends payloads through the codec, keeps each entity's state as bytes between messages, runs attempts
//! until one succeeds or they are used up, and tells what came of it. Backoff is recorded, not waited for, so a test
//! of five attempts takes no time. Any executor will do; `#[tokio::test]` is the usual one.
//!
//! ```
//! use std::time::Duration;
//!
//! use serde_json::json;
//! use tidegate::prelude::*;
//! use tidegate::testing::{Lanes, Reason};
//!
//! #[derive(Deserialize)]
//! struct Placed { amount: u64 }
//!
//! #[derive(Serialize)]
//! struct Authorized { amount: u64 }
//! impl Emit for Authorized { const PORT: &'static str = "authorized"; }
//!
//! async fn authorize(placed: Placed, cx: &mut Context<u64>) -> Result<Authorized> {
//!     if placed.amount > 10_000 {
//!         return Err(HandlerError::terminal("over the limit"));
//!     }
//!     if cx.attempt() == 1 {
//!         return Err(HandlerError::retry_after(Duration::from_secs(3), "the gateway is busy"));
//!     }
//!     cx.state += placed.amount;
//!     Ok(Authorized { amount: placed.amount })
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let mut lanes = Lanes::new(handler_fn_with_context(authorize)).subject("orders.{order}.placed");
//!
//! let paid = lanes.send("orders.42.placed", &json!({ "amount": 70 })).await;
//! assert_eq!(paid.emitted("authorized"), [json!({ "amount": 70 })]);
//! assert_eq!(paid.attempts, 2);
//! assert_eq!(paid.waits, [Duration::from_secs(3)]);
//! assert_eq!(lanes.state::<u64>("42"), 70);
//!
//! let repeated = lanes.redeliver(paid.sequence).await;
//! assert_eq!(repeated.attempts, 0, "what is applied is not applied again");
//!
//! let refused = lanes.send("orders.42.placed", &json!({ "amount": 70_000 })).await;
//! assert_eq!(refused.dead_letter.map(|dead| dead.reason), Some(Reason::Terminal));
//! # }
//! ```

mod attempt;
mod delivery;
mod event;
mod lanes;
mod outcome;

pub use event::Event;
pub use lanes::Lanes;
pub use outcome::{Cause, DeadLetter, Failure, Outcome, Reason};
