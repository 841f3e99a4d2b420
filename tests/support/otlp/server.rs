//! The collector's two protocols behind one port, and its misbehaviour.

use std::future;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::{Request as GrpcRequest, Response as GrpcResponse, Status};

use super::{Mode, Received};

/// Serves until aborted. While the mode is [`Mode::Refuse`] the port is closed; it opens again with the next mode.
pub(super) async fn run(listener: TcpListener, mode: watch::Receiver<Mode>, received: Arc<Received>) {
    let address = listener.local_addr().expect("a bound listener has an address");
    let mut listener = Some(listener);
    loop {
        let open = match listener.take() {
            Some(open) => open,
            None => TcpListener::bind(address).await.expect("the port was ours a moment ago"),
        };
        let router = router(mode.clone(), Arc::clone(&received));
        let closing = until(mode.clone(), |mode| mode == Mode::Refuse);
        axum::serve(open, router).with_graceful_shutdown(closing).await.expect("serving never fails");
        until(mode.clone(), |mode| mode != Mode::Refuse).await;
    }
}

fn router(mode: watch::Receiver<Mode>, received: Arc<Received>) -> Router {
    let grpc = Routes::new(TraceServiceServer::new(Grpc(Arc::clone(&received))))
        .add_service(MetricsServiceServer::new(Grpc(Arc::clone(&received))))
        .into_axum_router();
    let http = Router::new()
        .route("/v1/traces", post(http_traces))
        .route("/v1/metrics", post(http_metrics))
        .with_state(Arc::clone(&received));
    grpc.merge(http).layer(middleware::from_fn_with_state((mode, received), misbehave))
}

async fn misbehave(
    State((mode, received)): State<(watch::Receiver<Mode>, Arc<Received>)>,
    request: Request,
    next: Next,
) -> Response {
    received.note_request();
    // A hanging request ends with the mode, so that the server can close its port.
    until(mode.clone(), |mode| mode != Mode::Hang).await;
    let current = *mode.borrow();
    match current {
        Mode::Accept => next.run(request).await,
        Mode::Unavailable | Mode::Hang | Mode::Refuse => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn http_traces(State(received): State<Arc<Received>>, body: Bytes) -> Response {
    match ExportTraceServiceRequest::decode(body) {
        Ok(request) => {
            received.keep(request);
            let reply = ExportTraceServiceResponse::default().encode_to_vec();
            ([(header::CONTENT_TYPE, "application/x-protobuf")], reply).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

async fn http_metrics(State(received): State<Arc<Received>>, body: Bytes) -> Response {
    match ExportMetricsServiceRequest::decode(body) {
        Ok(request) => {
            received.keep_metrics(request);
            let reply = ExportMetricsServiceResponse::default().encode_to_vec();
            ([(header::CONTENT_TYPE, "application/x-protobuf")], reply).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

struct Grpc(Arc<Received>);

#[tonic::async_trait]
impl TraceService for Grpc {
    async fn export(
        &self,
        request: GrpcRequest<ExportTraceServiceRequest>,
    ) -> Result<GrpcResponse<ExportTraceServiceResponse>, Status> {
        self.0.keep(request.into_inner());
        Ok(GrpcResponse::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Grpc {
    async fn export(
        &self,
        request: GrpcRequest<ExportMetricsServiceRequest>,
    ) -> Result<GrpcResponse<ExportMetricsServiceResponse>, Status> {
        self.0.keep_metrics(request.into_inner());
        Ok(GrpcResponse::new(ExportMetricsServiceResponse::default()))
    }
}

/// Waits for a mode; when the collector is gone it waits for ever, and its task is aborted.
async fn until(mut mode: watch::Receiver<Mode>, is_wanted: impl Fn(Mode) -> bool) {
    if mode.wait_for(|mode| is_wanted(*mode)).await.is_err() {
        future::pending::<()>().await;
    }
}
