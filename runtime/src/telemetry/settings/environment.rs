//! Reads environment variables as the OpenTelemetry specification asks for: empty is unset, nonsense is reported.

use std::str::FromStr;
use std::time::Duration;

/// A variable whose value is ignored.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::telemetry) struct Warning {
    /// The variable's name.
    pub(in crate::telemetry) variable: &'static str,
    /// Its value.
    pub(in crate::telemetry) value: String,
    /// Why it is ignored, and what happens instead.
    pub(in crate::telemetry) reason: &'static str,
}

/// Reads variables, and remembers what had to be ignored.
pub(super) struct Environment<F> {
    variable: F,
    warnings: Vec<Warning>,
}

impl<F: Fn(&str) -> Option<String>> Environment<F> {
    /// `variable` looks one up.
    pub(super) fn new(variable: F) -> Self {
        Self { variable, warnings: Vec::new() }
    }

    /// The variable's value; an empty one counts as unset, as the specification has it.
    pub(super) fn value(&self, variable: &str) -> Option<String> {
        let value = (self.variable)(variable)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// Notes that a value is ignored.
    pub(super) fn warn(&mut self, variable: &'static str, value: String, reason: &'static str) {
        self.warnings.push(Warning { variable, value, reason });
    }

    /// A number above zero. The crates would take a zero at its word, and spin or never export.
    pub(super) fn positive<N: FromStr + Default + PartialEq>(&mut self, variable: &'static str) -> Option<N> {
        let value = self.value(variable)?;
        let number = value.parse().ok().filter(|number| *number != N::default());
        if number.is_none() {
            self.warn(variable, value, "not a whole number above zero: the default is used");
        }
        number
    }

    /// A length of time above zero, in milliseconds.
    pub(super) fn milliseconds(&mut self, variable: &'static str) -> Option<Duration> {
        self.positive(variable).map(Duration::from_millis)
    }

    /// What had to be ignored.
    pub(super) fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }
}
