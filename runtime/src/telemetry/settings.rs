//! What the environment's `OTEL_*` variables say, as far as the OpenTelemetry crates do not read them themselves.

mod environment;

use std::time::Duration;

use opentelemetry_otlp::OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT;
use opentelemetry_sdk::trace::{BatchConfig, BatchConfigBuilder};

use self::environment::{Environment, Warning};
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

/// How spans travel to the collector.
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
    /// How to export; `None` when nothing is to be exported.
    pub(super) export: Option<Protocol>,
    /// Which context formats are passed on.
    pub(super) propagators: Propagators,
    /// The service's name, where the environment sets it.
    pub(super) service_name: Option<String>,
    /// How long an export may take.
    pub(super) timeout: Duration,
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
    /// When spans are to be exported over a protocol that we do not speak.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, TelemetryError> {
        let mut environment = Environment::new(variable);
        let propagators = environment.propagators();
        let export = if environment.is_exporting() { Some(environment.protocol()?) } else { None };
        if export.is_some() {
            environment.check_sampler();
        }
        Ok(Self {
            export,
            propagators,
            service_name: environment.value("OTEL_SERVICE_NAME"),
            timeout: environment
                .milliseconds("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
                .or_else(|| environment.milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT"))
                .unwrap_or(OTEL_EXPORTER_OTLP_TIMEOUT_DEFAULT),
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
    fn is_exporting(&mut self) -> bool {
        !self.is_disabled() && self.has_exporter()
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

    fn has_exporter(&mut self) -> bool {
        const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
        let endpoints = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
        match self.value(EXPORTER).as_deref() {
            None => endpoints.iter().any(|variable| self.value(variable).is_some()),
            // Who asks for the exporter by name gets it, on the standard's default endpoint if need be.
            Some("otlp") => true,
            Some("none") => false,
            Some(other) => {
                self.warn(EXPORTER, other.to_owned(), "neither otlp nor none: no traces are exported");
                false
            }
        }
    }

    fn protocol(&self) -> Result<Protocol, TelemetryError> {
        for variable in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
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
mod tests {
    use super::*;

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

    fn read(variables: &[(&str, &str)]) -> Result<Settings, TelemetryError> {
        Settings::read(|name| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn export(variables: &[(&str, &str)]) -> Option<Protocol> {
        read(variables).expect("settings").export
    }

    #[test]
    fn exports_only_when_there_is_somewhere_to_export_to() {
        assert_eq!(export(&[]), None);
        assert_eq!(export(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), None);
        assert_eq!(export(&[ENDPOINT]), Some(Protocol::HttpProtobuf));
        assert_eq!(export(&[("OTEL_TRACES_EXPORTER", "otlp")]), Some(Protocol::HttpProtobuf));
    }

    #[test]
    fn can_be_switched_off() {
        assert_eq!(export(&[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")]), None);
        assert_eq!(export(&[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none")]), None);
        assert_eq!(export(&[ENDPOINT, ("OTEL_SDK_DISABLED", "false")]), Some(Protocol::HttpProtobuf));
    }

    #[test]
    fn the_protocol_for_traces_goes_before_the_common_one() {
        let common = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc");

        assert_eq!(export(&[ENDPOINT, common, traces]), Some(Protocol::Grpc));
    }

    #[test]
    fn a_protocol_that_we_do_not_speak_is_an_error() {
        let error = read(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]).expect_err("an error");

        assert_eq!(
            error.to_string(),
            "`http/json` in `OTEL_EXPORTER_OTLP_PROTOCOL` is not a protocol we speak: use `http/protobuf` or `grpc`"
        );
    }

    #[test]
    fn propagators_are_those_of_the_list() {
        let propagators = |list| read(&[("OTEL_PROPAGATORS", list)]).expect("settings").propagators;

        assert_eq!(propagators("tracecontext"), Propagators { trace_context: true, baggage: false });
        assert_eq!(propagators("none"), Propagators { trace_context: false, baggage: false });
        assert_eq!(propagators("baggage, tracecontext"), Propagators::default());
    }

    #[test]
    fn warns_of_every_value_that_is_ignored() {
        let odd = [
            ENDPOINT,
            ("OTEL_SDK_DISABLED", "maybe"),
            ("OTEL_PROPAGATORS", "tracecontext,b3"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "10%"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
            ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ];

        let warnings = read(&odd).expect("settings").warnings;

        let mut variables: Vec<_> = warnings.iter().map(|warning| warning.variable).collect();
        variables.sort_unstable();
        assert_eq!(
            variables,
            [
                "OTEL_BSP_MAX_QUEUE_SIZE",
                "OTEL_BSP_SCHEDULE_DELAY",
                "OTEL_PROPAGATORS",
                "OTEL_SDK_DISABLED",
                "OTEL_TRACES_SAMPLER_ARG"
            ]
        );
    }

    #[test]
    fn numbers_are_taken_as_they_are() {
        let settings = read(&[("OTEL_BSP_SCHEDULE_DELAY", "200"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500")]);

        let settings = settings.expect("settings");
        assert_eq!(settings.schedule_delay, Duration::from_millis(200));
        assert_eq!(settings.timeout, Duration::from_millis(1500));
        assert_eq!(settings.queue_size, QUEUE_SIZE);
    }

    #[test]
    fn says_nothing_about_sampling_when_nothing_is_exported() {
        assert_eq!(read(&[("OTEL_TRACES_SAMPLER", "whatever")]).expect("settings").warnings, []);
    }
}
