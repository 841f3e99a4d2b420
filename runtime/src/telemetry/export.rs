//! Sends finished spans to the collector, from a thread of its own, and says when that fails and when it works again.

use std::time::Duration;

use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter as OtlpExporter, WithExportConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::{Handle, RuntimeFlavor};
use tracing::{info, warn};

use super::health::{Health, Report};
use super::init::TelemetryError;
use super::settings::{Protocol, Settings};

/// The provider of tracers whose spans are exported over `protocol`, to where the environment says.
pub(super) fn provider(
    protocol: Protocol,
    settings: &Settings,
    resource: Resource,
) -> Result<SdkTracerProvider, TelemetryError> {
    prepare(protocol)?;
    let exporter = Watched { exporter: otlp(protocol, settings.timeout)?, health: Health::default() };
    let batches = BatchSpanProcessor::builder(exporter).with_batch_config(settings.batches()).build();
    let provider = SdkTracerProvider::builder().with_span_processor(batches).with_resource(resource).build();
    Ok(provider)
}

/// Sees that the process can speak the protocol. TLS is `ring`, as that of the NATS connection, unless the process has
/// another already.
pub(super) fn prepare(protocol: Protocol) -> Result<(), TelemetryError> {
    if protocol == Protocol::Grpc && !is_in_multi_thread_runtime() {
        return Err(TelemetryError::NoRuntime);
    }
    drop(rustls::crypto::ring::default_provider().install_default());
    Ok(())
}

fn otlp(protocol: Protocol, timeout: Duration) -> Result<OtlpExporter, ExporterBuildError> {
    let builder = OtlpExporter::builder();
    match protocol {
        Protocol::HttpProtobuf => {
            let builder = builder.with_http().with_protocol(opentelemetry_otlp::Protocol::HttpBinary);
            builder.with_timeout(timeout).build()
        }
        Protocol::Grpc => {
            let builder = builder.with_tonic().with_tls_config(ClientTlsConfig::new().with_enabled_roots());
            builder.with_timeout(timeout).build()
        }
    }
}

fn is_in_multi_thread_runtime() -> bool {
    Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// An exporter whose failures are logged, once per change and not per batch.
#[derive(Debug)]
struct Watched<E> {
    exporter: E,
    health: Health,
}

impl<E> Watched<E> {
    fn observe(&self, spans: usize, result: &OTelSdkResult) {
        match (self.health.observe(spans, result.is_ok()), result) {
            (Some(Report::Failing), Err(error)) => {
                warn!(%error, "traces cannot be exported; spans are dropped until the collector takes them again");
            }
            (Some(Report::Recovered { lost }), _) => info!(lost, "traces are exported again"),
            _ => {}
        }
    }
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.exporter.export(batch).await;
        self.observe(spans, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
