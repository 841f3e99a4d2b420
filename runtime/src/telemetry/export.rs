//! Sends finished spans to the collector, from a thread of its own, and says when that fails and when it works again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter as OtlpExporter, WithExportConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::{Handle, RuntimeFlavor};
use tracing::{info, warn};

use super::init::{Options, TelemetryError};
use super::settings::{Protocol, Settings};

/// How often a collector that comes and goes is worth a line.
const BETWEEN_REPORTS: Duration = Duration::from_mins(1);

/// The provider of tracers whose spans are exported over `protocol`, to where the environment says.
pub(super) fn provider(
    protocol: Protocol,
    settings: &Settings,
    options: &Options,
) -> Result<SdkTracerProvider, TelemetryError> {
    if protocol == Protocol::Grpc && !is_in_multi_thread_runtime() {
        return Err(TelemetryError::NoRuntime);
    }
    let exporter = Watched { exporter: otlp(protocol, settings.timeout)?, health: Mutex::default() };
    let batches = BatchSpanProcessor::builder(exporter).with_batch_config(settings.batches()).build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(batches)
        .with_resource(resource(settings, options))
        .build();
    Ok(provider)
}

/// The exporter; its TLS is `ring`, as that of the NATS connection, unless the process has another already.
fn otlp(protocol: Protocol, timeout: Duration) -> Result<OtlpExporter, ExporterBuildError> {
    drop(rustls::crypto::ring::default_provider().install_default());
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

/// What identifies this process; `OTEL_SERVICE_NAME`, then `OTEL_RESOURCE_ATTRIBUTES`, go before our own.
fn resource(settings: &Settings, options: &Options) -> Resource {
    let resource = Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_service_name(options.service_name.clone())
        .with_attribute(KeyValue::new("service.version", options.version.clone()))
        .with_attribute(KeyValue::new("service.instance.id", options.instance.clone()))
        .with_detector(Box::new(EnvResourceDetector::new()));
    match &settings.service_name {
        Some(name) => resource.with_service_name(name.clone()).build(),
        None => resource.build(),
    }
}

/// An exporter whose failures are logged, once per change and not per batch.
#[derive(Debug)]
struct Watched<E> {
    exporter: E,
    health: Mutex<Health>,
}

impl<E> Watched<E> {
    fn observe(&self, spans: usize, result: &OTelSdkResult) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let report = health.observe(spans, result.is_ok(), Instant::now());
        drop(health);
        match (report, result) {
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

/// What is known of the collector.
#[derive(Debug, Default)]
struct Health {
    failing: Option<Failing>,
    reported: Option<Instant>,
}

#[derive(Debug)]
struct Failing {
    lost: usize,
    is_reported: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Report {
    Failing,
    Recovered { lost: usize },
}

impl Health {
    fn observe(&mut self, spans: usize, succeeded: bool, now: Instant) -> Option<Report> {
        if succeeded {
            let Failing { lost, is_reported } = self.failing.take()?;
            return is_reported.then_some(Report::Recovered { lost });
        }
        let failing = self.failing.get_or_insert(Failing { lost: 0, is_reported: false });
        failing.lost += spans;
        let is_due = self.reported.is_none_or(|reported| now.duration_since(reported) >= BETWEEN_REPORTS);
        if failing.is_reported || !is_due {
            return None;
        }
        failing.is_reported = true;
        self.reported = Some(now);
        Some(Report::Failing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_that_is_down_is_reported_once_and_again_when_it_is_back() {
        let mut health = Health::default();
        let now = Instant::now();

        let reports = [false, false, false, true, true].map(|succeeded| health.observe(10, succeeded, now));

        assert_eq!(reports, [Some(Report::Failing), None, None, Some(Report::Recovered { lost: 30 }), None]);
    }

    #[test]
    fn a_collector_that_comes_and_goes_is_reported_once_a_minute() {
        let mut health = Health::default();
        let start = Instant::now();

        let reports = (0..240)
            .filter_map(|second| health.observe(1, second % 2 == 1, start + Duration::from_secs(second)))
            .filter(|report| *report == Report::Failing)
            .count();

        assert_eq!(reports, 4);
    }
}
