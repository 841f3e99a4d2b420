//! What identifies this process in all that it exports.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};

use super::init::Options;
use super::settings::Settings;

/// `OTEL_SERVICE_NAME`, then `OTEL_RESOURCE_ATTRIBUTES`, go before our own.
pub(super) fn resource(settings: &Settings, options: &Options) -> Resource {
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
