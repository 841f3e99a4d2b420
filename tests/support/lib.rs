//! Fixtures for the integration tests: real servers and real processes, private to one test and gone with it.
//!
//! [`NatsServer`] is the broker, [`Cluster`] three of them, [`Proxy`] a network in trouble, [`Runtime`] a runtime under
//! test, [`Otlp`] a collector of traces and metrics, [`Prometheus`] a real one, [`Scrape`] what it
//! sees; [`Terminal`] somebody who looks at a command; [`publish`] and [`read_stream`] put messages into a stream and read back what is
//! stored; [`faults`] is what breaks them and judges what they did. Nothing listens beyond 127.0.0.1.

pub mod faults;

mod cluster;
mod monitor;
mod nats;
mod otlp;
mod process;
mod prometheus;
mod proxy;
mod runtime;
mod stream;
mod terminal;
mod wait;

pub use cluster::Cluster;
pub use monitor::Prometheus;
pub use nats::NatsServer;
pub use nix::sys::signal::Signal;
pub use otlp::{Mode, Otlp, Point, Span, SpanEvent, SpanKind, StatusCode};
pub use process::{Process, cpu_time, peak_memory, resident_memory};
pub use prometheus::{Scrape, Series, get};
pub use proxy::{Proxy, Traffic};
pub use runtime::{Runtime, RuntimeBuilder};
pub use stream::{StoredMessage, publish, publish_json, read_stream};
pub use terminal::Terminal;
pub use wait::{PATIENCE, eventually, eventually_some};
