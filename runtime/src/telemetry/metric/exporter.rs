//! Sends the instruments to the collector, and says when that fails and when it works again.

use std::time::Duration;

use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use tracing::{info, warn};

use crate::telemetry::health::{Health, Report};
use crate::telemetry::settings::Protocol;

/// An exporter whose failures are logged, once per change and not per export.
#[derive(Debug)]
pub(super) struct Watched {
    exporter: MetricExporter,
    health: Health,
}

impl Watched {
    /// To where the environment says.
    pub(super) fn new(protocol: Protocol, timeout: Duration) -> Result<Self, ExporterBuildError> {
        let builder = MetricExporter::builder();
        let exporter = match protocol {
            Protocol::HttpProtobuf => {
                let builder = builder.with_http().with_protocol(opentelemetry_otlp::Protocol::HttpBinary);
                builder.with_timeout(timeout).build()?
            }
            Protocol::Grpc => {
                let tls = ClientTlsConfig::new().with_enabled_roots();
                builder.with_tonic().with_tls_config(tls).with_timeout(timeout).build()?
            }
        };
        Ok(Self { exporter, health: Health::default() })
    }
}

impl PushMetricExporter for Watched {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let result = self.exporter.export(metrics).await;
        match (self.health.observe(1, result.is_ok()), &result) {
            (Some(Report::Failing), Err(error)) => {
                warn!(%error, "metrics cannot be exported; they go on until the collector takes them again");
            }
            (Some(Report::Recovered { lost }), _) => info!(failed = lost, "metrics are exported again"),
            _ => {}
        }
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
