//! The API for Tidegate handlers.
//!
//! A handler says what one event does. The runtime does the rest: it takes events from NATS JetStream, hands them over
//! in order for each entity and in parallel across entities, tries again what failed, dead-letters what cannot
//! succeed, and publishes what handlers return. All that a handler crate depends on is this crate and `serde`.
//!
//! # A handler
//!
//! ```
//! //! Greets whoever arrives.
//! use tidegate::prelude::*;
//!
//! #[derive(Deserialize)]
//! struct Arrival { name: String }
//!
//! #[derive(Serialize)]
//! struct Greeting { text: String }
//! impl Emit for Greeting { const PORT: &'static str = "greeting"; }
//!
//! pub fn handler(_: Settings) -> Result<impl Handler> {
//!     Ok(handler_fn(async |arrival: Arrival| Ok(Greeting { text: format!("hello, {}", arrival.name) })))
//! }
//! ```
//!
//! It knows no stream and no subject. The topology attaches it to both, and says where its port leads:
//!
//! ```toml
//! [handlers]
//! greeter = { path = "handlers/greeter" }
//!
//! [actors.greeter]
//! handler = "greeter"
//! stream = "ARRIVALS"
//! subjects = ["arrivals.{guest}"]
//! emits = { greeting = "greetings.{guest}" }
//! ```
//!
//! The payload is JSON, unless the input is [`Raw<Bytes>`](Raw), [`Raw<String>`](Raw) or [`MsgPack<T>`](MsgPack), or
//! the emit overrides [`Emit::payload`].
//!
//! # State and settings
//!
//! A handler that holds something, or keeps state, implements [`Handler`]. State belongs to an entity, here to a
//! guest: it is loaded before the attempt, and saved after the emits are published and before the event is acked. An
//! attempt that fails leaves no trace in it, and an event that was applied is not applied again.
//!
//! ```
//! use tidegate::prelude::*;
//! # #[derive(Deserialize)] struct Arrival { name: String }
//! # #[derive(Serialize)] struct Greeting { text: String }
//! # impl Emit for Greeting { const PORT: &'static str = "greeting"; }
//!
//! #[derive(Deserialize)]
//! struct Greeter { language: String }
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Visits { count: u64 }
//!
//! impl Handler for Greeter {
//!     type Input = Arrival;
//!     type State = Visits;
//!     type Output = Greeting;
//!
//!     async fn handle(&self, arrival: Arrival, cx: &mut Context<Visits>) -> Result<Greeting> {
//!         cx.state.count += 1;
//!         let hello = if self.language == "fr" { "bonjour" } else { "hello" };
//!         Ok(Greeting { text: format!("{hello}, {}, for the {}. time", arrival.name, cx.state.count) })
//!     }
//! }
//!
//! pub fn handler(settings: Settings) -> Result<impl Handler> {
//!     settings.parse::<Greeter>()
//! }
//! ```
//!
//! [`Context`] also knows the key, the subject's named tokens, the headers, which attempt this is, and its deadline.
//! For state without settings a function will do: see [`handler_fn_with_context`].
//!
//! # Errors are decisions
//!
//! ```
//! # use std::time::Duration;
//! use tidegate::prelude::*;
//! # #[derive(Deserialize)] struct Placed { amount: String, customer: String }
//! # #[derive(Debug)] struct Busy;
//! # impl std::fmt::Display for Busy { fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) } }
//! # impl std::error::Error for Busy {}
//! # async fn risk(_: &str) -> std::io::Result<u8> { Ok(1) }
//! # async fn charge(_: u64) -> std::result::Result<(), Busy> { Ok(()) }
//!
//! async fn authorize(placed: Placed) -> Result<()> {
//!     // Never again: the event goes to the dead-letter stream at once.
//!     let amount: u64 = placed.amount.parse().context("the amount is not a number").terminal()?;
//!
//!     // Again, after the actor's backoff, until its `max_deliver` is used up.
//!     let risk = risk(&placed.customer).await?;
//!
//!     // Never again, without an error to start from.
//!     if risk > 9 {
//!         return Err(HandlerError::terminal("the customer is blocked"));
//!     }
//!
//!     // Again, but not before the minute is over.
//!     charge(amount).await.retry_after(Duration::from_mins(1))?;
//!     Ok(())
//! }
//! # let _ = handler_fn(authorize);
//! ```
//!
//! Only the entity in question waits, and later events of it wait behind. A panic, or an attempt that takes longer
//! than the actor's `timeout`, is an attempt that failed. A payload that is not the handler's input is dead-lettered.
//!
//! # Emits
//!
//! A handler emits what it returns: `()`, an [`Emit`], an [`Outgoing`] built by hand, or an `Option`, `Vec` or tuple
//! of them. Nothing is published by an attempt that fails.
//!
//! ```
//! use tidegate::prelude::*;
//! # #[derive(Deserialize)] struct Placed { lines: Vec<Line> }
//! # #[derive(Deserialize)] struct Line { sku: String }
//!
//! #[derive(Serialize)]
//! struct Reserved { sku: String }
//!
//! impl Emit for Reserved {
//!     const PORT: &'static str = "reserved";
//!
//!     /// `stock.{sku}.reserved`: a token that the order's own subject does not have.
//!     fn tokens(&self) -> Vec<(&'static str, String)> {
//!         vec![("sku", self.sku.clone())]
//!     }
//! }
//!
//! async fn reserve(placed: Placed) -> Result<Vec<Reserved>> {
//!     Ok(placed.lines.into_iter().map(|line| Reserved { sku: line.sku }).collect())
//! }
//! # let _ = handler_fn(reserve);
//! ```
//!
//! An event may be handled twice, after a failed attempt or a crash. Emits are deduplicated and state is guarded, but
//! what a handler does elsewhere can repeat: give it an idempotency key, such as [`Context::sequence`].
//!
//! # Threads
//!
//! Entities share threads, so a handler awaits and does not block. What must block goes through [`blocking()`].
//!
//! # Testing
//!
//! [`testing::Lanes`] drives a handler as the runtime would, without a runtime and without NATS:
//!
//! ```
//! use serde_json::json;
//! use tidegate::prelude::*;
//! use tidegate::testing::Lanes;
//! # #[derive(Deserialize)] struct Arrival { name: String }
//! # #[derive(Serialize)] struct Greeting { text: String }
//! # impl Emit for Greeting { const PORT: &'static str = "greeting"; }
//! # fn handler(_: Settings) -> Result<impl Handler> {
//! #     Ok(handler_fn(async |arrival: Arrival| Ok(Greeting { text: format!("hello, {}", arrival.name) })))
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let mut lanes = Lanes::new(handler(Settings::default())?).subject("arrivals.{guest}");
//!
//! let outcome = lanes.send("arrivals.7", &json!({ "name": "Ada" })).await;
//!
//! assert_eq!(outcome.emitted("greeting"), [json!({ "text": "hello, Ada" })]);
//! assert_eq!(outcome.attempts, 1);
//! # Ok(())
//! # }
//! ```

pub mod blocking;
pub mod codec;
mod context;
mod emit;
pub mod erased;
mod error;
mod function;
mod handler;
mod headers;
mod message;
mod payload;
pub mod prelude;
mod settings;
mod state;
pub mod subject;
pub mod testing;

pub use bytes::Bytes;

pub use blocking::blocking;
pub use codec::CodecError;
pub use context::Context;
pub use emit::{Emit, IntoEmits, Outgoing};
pub use error::{BoxError, Decision, HandlerError, Result, ResultExt};
pub use function::{ContextFn, handler_fn, handler_fn_with_context};
pub use handler::Handler;
pub use headers::Headers;
pub use message::Message;
pub use payload::{FromPayload, MsgPack, Raw};
pub use settings::Settings;
pub use state::EntityState;
