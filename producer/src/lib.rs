//! Publishes to a Tidegate topology and feels its backpressure.
//!
//! A [`Producer`] publishes events to JetStream and awaits that each is stored. It watches the [`Flow`] of the
//! topology's streams: while a stream is slow or stopped, [`Producer::publish`] waits and [`Producer::try_publish`]
//! says when to come back. `docs/producer.md` tells the whole of it.
//!
//! ```no_run
//! use tidegate_producer::{Event, Producer};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = async_nats::connect("nats://127.0.0.1:4222").await?;
//! let producer = Producer::builder(client).topology("shop").connect().await?;
//!
//! let order = Event::new("orders.4711.placed", r#"{"total": 12}"#).id("4711-placed").header("Customer", "7");
//! let receipt = producer.publish(order).await?;
//! println!("stored in {} as {}", receipt.stream, receipt.sequence);
//! # Ok(())
//! # }
//! ```

pub mod flow;
pub mod timestamp;

mod builder;
mod denials;
mod error;
mod event;
mod gate;
mod gates;
mod offer;
mod outlet;
mod pace;
mod parcel;
mod producer;
mod publish;
mod publish_all;
mod receipt;
mod subject;
mod throttled;
mod trace;

pub use builder::{Builder, ConnectError};
pub use denials::Denials;
pub use error::{PublishError, Unpublished};
pub use event::Event;
pub use flow::{Flow, FlowState, Mark, Pressure};
pub use producer::Producer;
pub use receipt::Receipt;
pub use throttled::Throttled;

#[cfg(doctest)]
#[doc = include_str!("../../docs/producer.md")]
struct Docs;
