//! The variables that each kind of telemetry has for itself.

/// The names of the variables of one signal; each but the exporter's has a common one behind it.
#[derive(Debug)]
pub(super) struct Signal {
    /// Which exporter is asked for by name.
    pub(super) exporter: &'static str,
    /// What is said of an exporter that we do not have.
    pub(super) unknown_exporter: &'static str,
    /// Those of the names that say: not over OTLP.
    pub(super) not_exported: &'static [&'static str],
    /// Where to.
    pub(super) endpoints: [&'static str; 2],
    /// How it travels.
    pub(super) protocols: [&'static str; 2],
    /// How long one export may take.
    pub(super) timeouts: [&'static str; 2],
}

pub(super) const TRACES: Signal = Signal {
    exporter: "OTEL_TRACES_EXPORTER",
    unknown_exporter: "neither otlp nor none: no traces are exported",
    not_exported: &["none"],
    endpoints: ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    protocols: ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    timeouts: ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
};

pub(super) const METRICS: Signal = Signal {
    exporter: "OTEL_METRICS_EXPORTER",
    unknown_exporter: "none of otlp, prometheus and none: no metrics are exported",
    // What Prometheus scrapes is for the topology to say.
    not_exported: &["none", "prometheus"],
    endpoints: ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    protocols: ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    timeouts: ["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
};
