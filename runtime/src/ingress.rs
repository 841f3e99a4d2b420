//! The HTTP door: takes events from those who do not speak NATS, and answers when a stream has stored them.
//!
//! [`Ingress`] listens and ends; a request passes the guard, is read into events, and these go to the producer, whose
//! backpressure becomes a 429 for one event, and a connection that is not read for many.

mod server;

mod admission;
mod entry;

mod event;
mod lines;
mod many;
mod one;

mod refusal;

mod rate;

mod counters;
mod description;
mod observe;

pub use description::describe;
pub use server::{Bound, Ingress, IngressError, Settings};
