//! Sets up traces, metrics and logs for the process, and ends them.

use std::thread;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{info, warn};

use super::metric::{Exposition, Metrics};
use super::resource::resource;
use super::settings::{Protocol, Settings};
use super::{export, log, metric, propagation, span};

/// What the process is called, and how it logs.
#[derive(Debug, Clone)]
pub struct Options {
    /// The service's name, usually the topology's; `OTEL_SERVICE_NAME` wins.
    pub service_name: String,
    /// Tells this process from others of the same service.
    pub instance: String,
    /// The version of the service.
    pub version: String,
    /// What log lines look like.
    pub log_format: LogFormat,
    /// Which logs are written, in the syntax of `RUST_LOG`, which wins; `info` when absent.
    pub log_filter: Option<String>,
    /// What becomes of the metrics.
    pub metering: Metering,
}

/// What becomes of the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Metering {
    /// Nothing: the process ends before they would tell anything.
    Off,
    /// They are exported if the environment names a collector.
    #[default]
    Exported,
    /// They are shown, too, by whoever takes the [exposition](Telemetry::exposition).
    Shown,
}

/// What log lines look like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Why telemetry cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// A log filter does not parse.
    #[error("`{filter}` in {origin} is not a log filter")]
    LogFilter {
        /// Where it comes from.
        origin: &'static str,
        /// The filter as written.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The export protocol is not one we speak.
    #[error("`{value}` in `{variable}` is not a protocol we speak: use `http/protobuf` or `grpc`")]
    Protocol {
        /// The environment variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// Export over gRPC was set up outside a multi-thread tokio runtime, where it deadlocks when it ends.
    #[error("export over grpc needs a multi-thread tokio runtime")]
    NoRuntime,
    /// The exporter cannot be built, usually because of its endpoint.
    #[error("the exporter cannot be set up")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The metrics cannot be shown as text.
    #[error("metrics cannot be set up")]
    Exposition(#[from] opentelemetry_sdk::error::OTelSdkError),
    /// The process already has a `tracing` subscriber.
    #[error("logs are already set up in this process")]
    Installed(#[from] tracing_subscriber::util::TryInitError),
}

/// Sets up logs, and export of traces and metrics when the environment names a collector. Once per process.
///
/// Honours the standard `OTEL_*` variables. Values that can be ignored are logged as warnings.
///
/// # Errors
/// When a setting cannot be understood at all, and on the second call.
pub fn init(options: &Options) -> Result<Telemetry, TelemetryError> {
    let settings = Settings::read(|name| std::env::var(name).ok())?;
    let resource = resource(&settings, options);
    let provider = settings
        .traces
        .map(|protocol| export::provider(protocol, &settings, resource.clone()))
        .transpose()?;
    let tracer = provider.as_ref().map(|provider| provider.tracer("tidegate"));
    log::install(options, tracer.clone())?;
    let metrics = metric::start(options.metering, &settings, resource)?;
    for warning in &settings.warnings {
        warn!(variable = warning.variable, value = warning.value, "{}", warning.reason);
    }
    propagation::install(settings.propagators);
    if let Some((provider, tracer)) = provider.as_ref().zip(tracer) {
        opentelemetry::global::set_tracer_provider(provider.clone());
        span::install(tracer);
        info!(protocol = settings.traces.map(Protocol::as_str), "traces are exported");
    }
    if let Some(protocol) = metrics.as_ref().and(settings.metrics) {
        info!(protocol = protocol.as_str(), every = ?settings.interval, "metrics are exported");
    }
    Ok(Telemetry { provider, metrics })
}

/// The process's telemetry, until it is shut down.
#[derive(Debug)]
#[must_use = "what is not exported yet is lost without a shutdown"]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
    metrics: Option<Metrics>,
}

impl Telemetry {
    /// Whether traces are exported.
    pub fn is_exporting(&self) -> bool {
        self.provider.is_some()
    }

    /// The metrics as text, if the options asked for it.
    pub fn exposition(&self) -> Option<Exposition> {
        self.metrics.as_ref().and_then(Metrics::exposition)
    }

    /// Exports what is left and ends the export, within `timeout` even if the collector hangs. Blocks: call it from
    /// a thread that may wait.
    pub fn shutdown(self, timeout: Duration) {
        let Self { provider, metrics } = self;
        // At the same time, since each may need all of it.
        thread::scope(|scope| {
            scope.spawn(|| {
                if metrics.is_some_and(|metrics| !metrics.shutdown(timeout)) {
                    warn!("the last metrics may not have been exported");
                }
            });
            if let Some(Err(error)) = provider.map(|provider| provider.shutdown_with_timeout(timeout)) {
                warn!(%error, "the last spans may not have been exported");
            }
        });
    }
}
