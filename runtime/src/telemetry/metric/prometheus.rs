//! The instruments as Prometheus reads them.

use opentelemetry_prometheus::{PrometheusExporter, exporter};
use opentelemetry_sdk::error::OTelSdkError;
use prometheus::{Encoder, Registry, TextEncoder};

/// Shows all instruments as text; by default there are none. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Exposition(Registry);

/// Why the text cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the metrics cannot be written as text")]
pub struct ExpositionError(#[from] prometheus::Error);

impl Exposition {
    /// With the reader that it shows. Names and units are those that Prometheus recommends: dots become underscores,
    /// units are written out, counters end with `_total`.
    pub(super) fn new() -> Result<(Self, PrometheusExporter), OTelSdkError> {
        let registry = Registry::new();
        let reader = exporter().with_registry(registry.clone()).scope_info_enabled(false).build()?;
        Ok((Self(registry), reader))
    }

    /// The content type of the text.
    pub fn content_type(&self) -> &'static str {
        prometheus::TEXT_FORMAT
    }

    /// All values at this moment. Reads off the whole process: not for a thread that must not wait.
    pub fn text(&self) -> Result<String, ExpositionError> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.0.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}
