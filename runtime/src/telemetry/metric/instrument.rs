//! What an instrument is: its name, its kind, its unit, its labels, and what it tells.

/// One metric, as OpenTelemetry names it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Instrument {
    /// Its name, after the conventions where they have one.
    pub name: &'static str,
    /// How its values add up.
    pub kind: Kind,
    /// The unit of its values (UCUM).
    pub unit: &'static str,
    /// What it tells, in one sentence.
    pub description: &'static str,
    /// The labels that its values may have, all of them bounded.
    pub labels: &'static [&'static str],
}

/// How the values of an instrument add up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows; from zero when the process starts.
    Counter,
    /// A level that can be added up over labels and instances.
    UpDownCounter,
    /// A level that cannot.
    Gauge,
    /// How often a value fell into each of these buckets.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The kind's name, as the documentation shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::UpDownCounter => "up-down counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}
