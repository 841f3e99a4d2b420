//! Metrics in a shape that assertions read well.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1 as proto;
use proto::metric::Data;
use proto::number_data_point::Value;

use super::span::attributes;

/// One value of one instrument.
#[derive(Debug, Clone)]
pub struct Point {
    /// The instrument.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// What it tells.
    pub description: String,
    /// What tells the value from others of the instrument, rendered as text.
    pub attributes: BTreeMap<String, String>,
    /// The value; of a histogram the sum of all values.
    pub value: f64,
    /// How many values a histogram has had; otherwise 0.
    pub count: u64,
    /// Whether it only grows.
    pub is_monotonic: bool,
}

impl Point {
    /// Whether the point has these attributes, and perhaps more.
    pub fn has(&self, attributes: &[(&str, &str)]) -> bool {
        attributes.iter().all(|(name, value)| self.attributes.get(*name).is_some_and(|known| known == value))
    }
}

pub(super) fn all(request: ExportMetricsServiceRequest) -> Vec<Point> {
    let resources = request.resource_metrics.into_iter();
    let metrics = resources.flat_map(|resource| resource.scope_metrics).flat_map(|scope| scope.metrics);
    metrics.flat_map(points).collect()
}

fn points(metric: proto::Metric) -> Vec<Point> {
    let proto::Metric { name, description, unit, data, .. } = metric;
    let point = |labels, value, count, is_monotonic| Point {
        name: name.clone(),
        unit: unit.clone(),
        description: description.clone(),
        attributes: attributes(labels),
        value,
        count,
        is_monotonic,
    };
    match data.expect("a metric has data") {
        Data::Gauge(gauge) => {
            let points = gauge.data_points.into_iter();
            points.map(|it| point(it.attributes, number(it.value), 0, false)).collect()
        }
        Data::Sum(sum) => {
            let points = sum.data_points.into_iter();
            points.map(|it| point(it.attributes, number(it.value), 0, sum.is_monotonic)).collect()
        }
        Data::Histogram(histogram) => {
            let points = histogram.data_points.into_iter();
            points.map(|it| point(it.attributes, it.sum.unwrap_or_default(), it.count, true)).collect()
        }
        other => panic!("nobody exports {other:?}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "tests do not count that far")]
fn number(value: Option<Value>) -> f64 {
    match value.expect("a point has a value") {
        Value::AsDouble(value) => value,
        Value::AsInt(value) => value as f64,
    }
}
