//! What the environment's `OTEL_*` variables say, as far as the OpenTelemetry crates do not read them themselves.

mod environment;
mod signal;

use std::time::Duration;

use opentelemetry_otlp::OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT;
use opentelemetry_sdk::metrics::OTEL_METRIC_EXPORT_INTERVAL_DEFAULT;
use opentelemetry_sdk::trace::{BatchConfig, BatchConfigBuilder};

use self::environment::{Environment, Warning};
use self::signal::{METRICS, Signal, TRACES};
use super::init::TelemetryError;
use super::propagation::Propagators;

const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

/// The defaults of OpenTelemetry's batch span processor.
const SCHEDULE_DELAY: Duration = Duration::from_secs(5);
const QUEUE_SIZE: usize = 2048;
const BATCH_SIZE: usize = 512;

/// How spans and metrics travel to the collector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Protocol {
    /// OTLP in HTTP requests.
    #[default]
    HttpProtobuf,
    /// OTLP over gRPC.
    Grpc,
}

impl Protocol {
    /// The protocol's name in `OTEL_EXPORTER_OTLP_PROTOCOL`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::HttpProtobuf => "http/protobuf",
            Self::Grpc => "grpc",
        }
    }
}

/// The environment's settings.
#[derive(Debug)]
pub(super) struct Settings {
    /// How to export traces; `None` when none are to be exported.
    pub(super) traces: Option<Protocol>,
    /// How to export metrics; `None` when none are to be exported.
    pub(super) metrics: Option<Protocol>,
    /// Which context formats are passed on.
    pub(super) propagators: Propagators,
    /// The service's name, where the environment sets it.
    pub(super) service_name: Option<String>,
    /// How long an export of spans may take.
    pub(super) timeout: Duration,
    /// How long an export of metrics may take.
    pub(super) metrics_timeout: Duration,
    /// How often metrics are exported.
    pub(super) interval: Duration,
    /// How long a span waits at most for others to travel with.
    schedule_delay: Duration,
    /// How many spans wait at most; those that come on top are dropped.
    queue_size: usize,
    /// How many spans travel together at most.
    batch_size: usize,
    /// What is ignored.
    pub(super) warnings: Vec<Warning>,
}

impl Settings {
    /// Reads the settings; `variable` looks one up.
    ///
    /// # Errors
    /// When something is to be exported over a protocol that we do not speak.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, TelemetryError> {
        let mut environment = Environment::new(variable);
        let propagators = environment.propagators();
        let (mut traces, mut metrics) = (None, None);
        if !environment.is_disabled() {
            traces = environment.export(&TRACES)?;
            metrics = environment.export(&METRICS)?;
        }
        if traces.is_some() {
            environment.check_sampler();
        }
        if metrics.is_some() {
            environment.check_temporality();
        }
        Ok(Self {
            traces,
            metrics,
            propagators,
            service_name: environment.value("OTEL_SERVICE_NAME"),
            timeout: environment.timeout(&TRACES),
            metrics_timeout: environment.timeout(&METRICS),
            interval: environment
                .milliseconds("OTEL_METRIC_EXPORT_INTERVAL")
                .unwrap_or(OTEL_METRIC_EXPORT_INTERVAL_DEFAULT),
            schedule_delay: environment.milliseconds("OTEL_BSP_SCHEDULE_DELAY").unwrap_or(SCHEDULE_DELAY),
            queue_size: environment.positive("OTEL_BSP_MAX_QUEUE_SIZE").unwrap_or(QUEUE_SIZE),
            batch_size: environment.positive("OTEL_BSP_MAX_EXPORT_BATCH_SIZE").unwrap_or(BATCH_SIZE),
            warnings: environment.into_warnings(),
        })
    }

    /// How spans are gathered.
    pub(super) fn batches(&self) -> BatchConfig {
        BatchConfigBuilder::default()
            .with_scheduled_delay(self.schedule_delay)
            .with_max_queue_size(self.queue_size)
            .with_max_export_batch_size(self.batch_size)
            .build()
    }
}

impl<F: Fn(&str) -> Option<String>> Environment<F> {
    fn export(&mut self, signal: &Signal) -> Result<Option<Protocol>, TelemetryError> {
        if self.has_exporter(signal) { self.protocol(signal).map(Some) } else { Ok(None) }
    }

    fn is_disabled(&mut self) -> bool {
        const DISABLED: &str = "OTEL_SDK_DISABLED";
        let Some(value) = self.value(DISABLED) else {
            return false;
        };
        if !value.eq_ignore_ascii_case("true") && !value.eq_ignore_ascii_case("false") {
            self.warn(DISABLED, value, "neither true nor false: taken as false");
            return false;
        }
        value.eq_ignore_ascii_case("true")
    }

    fn has_exporter(&mut self, signal: &Signal) -> bool {
        match self.value(signal.exporter).as_deref() {
            None => signal.endpoints.iter().any(|variable| self.value(variable).is_some()),
            // Who asks for the exporter by name gets it, on the standard's default endpoint if need be.
            Some("otlp") => true,
            Some(other) => {
                if !signal.not_exported.contains(&other) {
                    self.warn(signal.exporter, other.to_owned(), signal.unknown_exporter);
                }
                false
            }
        }
    }

    fn protocol(&self, signal: &Signal) -> Result<Protocol, TelemetryError> {
        for variable in signal.protocols {
            match self.value(variable).as_deref() {
                None => {}
                Some("http/protobuf") => return Ok(Protocol::HttpProtobuf),
                Some("grpc") => return Ok(Protocol::Grpc),
                Some(value) => {
                    return Err(TelemetryError::Protocol { variable, value: value.to_owned() });
                }
            }
        }
        Ok(Protocol::default())
    }

    fn timeout(&mut self, signal: &Signal) -> Duration {
        let given = signal.timeouts.into_iter().find_map(|variable| self.milliseconds(variable));
        given.unwrap_or(OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT)
    }

    fn propagators(&mut self) -> Propagators {
        const PROPAGATORS: &str = "OTEL_PROPAGATORS";
        let Some(list) = self.value(PROPAGATORS) else {
            return Propagators::default();
        };
        let mut propagators = Propagators { trace_context: false, baggage: false };
        for name in list.split(',').map(str::trim) {
            match name {
                "tracecontext" => propagators.trace_context = true,
                "baggage" => propagators.baggage = true,
                "none" => {}
                _ => self.warn(
                    PROPAGATORS,
                    name.to_owned(),
                    "not one of tracecontext, baggage and none: left out",
                ),
            }
        }
        propagators
    }

    fn check_temporality(&mut self) {
        const PREFERENCE: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
        let Some(preference) = self.value(PREFERENCE) else {
            return;
        };
        let is_known =
            ["cumulative", "delta", "lowmemory"].iter().any(|known| preference.eq_ignore_ascii_case(known));
        if !is_known {
            self.warn(PREFERENCE, preference, "none of cumulative, delta and lowmemory: cumulative is used");
        }
    }

    fn check_sampler(&mut self) {
        const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
        const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
        let Some(sampler) = self.value(SAMPLER) else {
            return;
        };
        if !SAMPLERS.contains(&sampler.as_str()) {
            self.warn(SAMPLER, sampler, "not a known sampler: parentbased_always_on is used");
            return;
        }
        if !sampler.ends_with("traceidratio") {
            return;
        }
        let argument = self.value(ARGUMENT).unwrap_or_default();
        let ratio = argument.parse::<f64>().ok();
        if !ratio.is_some_and(|ratio| (0.0..=1.0).contains(&ratio)) {
            self.warn(
                ARGUMENT,
                argument,
                "not a number from 0 to 1: taken as the nearest, or as 1 when it is no number",
            );
        }
    }
}

#[cfg(test)]
mod tests;
