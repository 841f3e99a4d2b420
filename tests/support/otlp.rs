//! A collector of traces and metrics: OTLP over gRPC and over HTTP with protobuf, on one port, with the troubles real ones have.

mod metric;
mod server;
mod span;

use std::future;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::wait::{PATIENCE, eventually_some};

pub use metric::Point;
pub use span::{Span, SpanEvent, SpanKind, StatusCode};

/// How the collector behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Keeps what it is sent.
    Accept,
    /// Answers 503, which gRPC clients see as `UNAVAILABLE`.
    Unavailable,
    /// Takes requests and answers none.
    Hang,
    /// Closes its port.
    Refuse,
}

/// A collector on a port of its own, gone when dropped. One endpoint serves both protocols.
#[derive(Debug)]
pub struct Otlp {
    port: u16,
    mode: watch::Sender<Mode>,
    received: Arc<Received>,
    server: JoinHandle<()>,
}

impl Otlp {
    /// Starts a collector that accepts.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port can be bound");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let mode = watch::Sender::new(Mode::Accept);
        let received = Arc::<Received>::default();
        let server = tokio::spawn(server::run(listener, mode.subscribe(), Arc::clone(&received)));
        Self { port, mode, received, server }
    }

    /// The value for `OTEL_EXPORTER_OTLP_ENDPOINT`, whatever the protocol.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Changes how the collector behaves from the next request on.
    pub fn set_mode(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// How many requests arrived, answered or not.
    pub fn requests(&self) -> usize {
        self.received.requests.load(Ordering::Relaxed)
    }

    /// Forgets spans from here on and only counts them, for those who measure.
    pub fn keep_no_spans(&self) {
        self.received.is_forgetful.store(true, Ordering::Relaxed);
    }

    /// How many spans arrived, kept or not.
    pub fn count_spans(&self) -> usize {
        self.received.spans_seen.load(Ordering::Relaxed)
    }

    /// All spans kept so far, in order of arrival.
    pub fn spans(&self) -> Vec<Span> {
        self.received.spans.lock().expect("nobody panics while holding the spans").clone()
    }

    /// Waits until the spans kept so far satisfy `is_complete`, and returns them.
    ///
    /// # Panics
    /// When they do not within [`PATIENCE`].
    pub async fn wait_for_spans(&self, is_complete: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        eventually_some(PATIENCE, || future::ready(Some(self.spans()).filter(|spans| is_complete(spans))))
            .await
    }

    /// The values of the last export of metrics; none before the first.
    pub fn metrics(&self) -> Vec<Point> {
        self.received.metrics.lock().expect("nobody panics while holding the metrics").clone()
    }

    /// Waits until the last export of metrics satisfies `is_complete`, and returns it.
    ///
    /// # Panics
    /// When none does within [`PATIENCE`].
    pub async fn wait_for_metrics(&self, is_complete: impl Fn(&[Point]) -> bool) -> Vec<Point> {
        let complete = || future::ready(Some(self.metrics()).filter(|points| is_complete(points)));
        eventually_some(PATIENCE, complete).await
    }
}

impl Drop for Otlp {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What has arrived.
#[derive(Debug, Default)]
struct Received {
    requests: AtomicUsize,
    spans_seen: AtomicUsize,
    is_forgetful: AtomicBool,
    spans: Mutex<Vec<Span>>,
    metrics: Mutex<Vec<Point>>,
}

impl Received {
    fn note_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    fn keep(&self, request: ExportTraceServiceRequest) {
        let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        self.spans_seen.fetch_add(scopes.map(|scope| scope.spans.len()).sum(), Ordering::Relaxed);
        if self.is_forgetful.load(Ordering::Relaxed) {
            return;
        }
        let mut kept = self.spans.lock().expect("nobody panics while holding the spans");
        kept.extend(span::all(request));
    }

    fn keep_metrics(&self, request: ExportMetricsServiceRequest) {
        *self.metrics.lock().expect("nobody panics while holding the metrics") = metric::all(request);
    }
}
