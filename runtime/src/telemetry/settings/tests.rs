//! What the settings make of the environment.

use super::*;

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

fn read(variables: &[(&str, &str)]) -> Result<Settings, TelemetryError> {
    Settings::read(|name| {
        variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
    })
}

fn export(variables: &[(&str, &str)]) -> Option<Protocol> {
    read(variables).expect("settings").traces
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

#[test]
fn metrics_have_an_exporter_and_a_protocol_of_their_own() {
    let metrics = |variables: &[(&str, &str)]| read(variables).expect("settings").metrics;

    assert_eq!(metrics(&[]), None);
    assert_eq!(metrics(&[ENDPOINT]), Some(Protocol::HttpProtobuf));
    assert_eq!(metrics(&[ENDPOINT, ("OTEL_METRICS_EXPORTER", "none")]), None);
    assert_eq!(metrics(&[ENDPOINT, ("OTEL_METRICS_EXPORTER", "prometheus")]), None);
    assert_eq!(metrics(&[ENDPOINT, ("OTEL_SDK_DISABLED", "true")]), None);
    assert_eq!(metrics(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc")]), Some(Protocol::Grpc));
    assert_eq!(metrics(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:4318")]), None);
    assert_eq!(export(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://127.0.0.1:4318")]), None);
}

#[test]
fn what_metrics_cannot_take_is_reported() {
    let odd = [
        ENDPOINT,
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "monthly"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
    ];

    let settings = read(&odd).expect("settings");
    let unknown = read(&[ENDPOINT, ("OTEL_METRICS_EXPORTER", "statsd")]).expect("settings");

    assert_eq!(settings.interval, OTEL_METRIC_EXPORT_INTERVAL_DEFAULT);
    let variables: Vec<_> = settings.warnings.iter().map(|warning| warning.variable).collect();
    assert_eq!(
        variables,
        ["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "OTEL_METRIC_EXPORT_INTERVAL"]
    );
    assert_eq!(unknown.metrics, None);
    assert_eq!(unknown.warnings[0].variable, "OTEL_METRICS_EXPORTER");
}
