//! The HTTP door: takes events from those who do not speak NATS, and answers when a stream has stored them.
//!
//! [`Ingress`] listens and ends; a request passes the guard, is read into events, and these go to the producer, whose
//! backpressure becomes a 429 for one event, and a connection that is not read for many.

mod server;

mod admission;
mod entry;

mod body;
mod event;
mod lines;
mod many;
mod one;

mod patient;

mod problem;
mod refusal;

mod rate;
mod tokens;

mod counters;
mod description;
mod observe;

pub use description::describe;
pub use server::{Bound, Ingress, IngressError, Settings};
pub use tokens::TokensError;
