//! The process's instruments, made once, and their way out.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use opentelemetry::metrics::{Histogram, Meter, MeterProvider};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};

use super::exporter::Watched;
use super::instrument::{Instrument, Kind};
use super::observation::{Observations, Sources};
use super::process;
use super::prometheus::Exposition;
use super::timers::{ActorTimers, Histograms};
use super::vocabulary::{AGE_WHEN_DONE, ALL, OPERATION_DURATION, PROCESS_DURATION};
use crate::telemetry::export;
use crate::telemetry::init::{Metering, TelemetryError};
use crate::telemetry::settings::Settings;

static INSTRUMENTS: OnceLock<Instruments> = OnceLock::new();

/// What is measured and read in this process.
#[derive(Debug)]
pub(super) struct Instruments {
    histograms: Histograms,
    sources: Arc<Sources>,
}

/// The ways that metrics leave the process, until they are shut down.
#[derive(Debug)]
pub(in crate::telemetry) struct Metrics {
    provider: SdkMeterProvider,
    exposition: Option<Exposition>,
    sources: Arc<Sources>,
}

/// Has `source` asked whenever somebody asks for metrics. Nobody does unless they are exported or shown.
pub fn observe(source: impl Fn(&mut Observations) + Send + Sync + 'static) {
    if let Some(instruments) = INSTRUMENTS.get() {
        instruments.observe(source);
    }
}

/// The clocks of an actor that publishes to `destinations`, which are subjects with their tokens as placeholders.
pub fn timers<'d>(actor: &str, destinations: impl Iterator<Item = &'d str>) -> ActorTimers {
    INSTRUMENTS.get().map(|instruments| instruments.timers(actor, destinations)).unwrap_or_default()
}

/// Makes the instruments, in the whole process, if they are to be exported or shown; the first call wins.
pub(in crate::telemetry) fn start(
    metering: Metering,
    settings: &Settings,
    resource: Resource,
) -> Result<Option<Metrics>, TelemetryError> {
    let (protocol, is_shown) = match metering {
        Metering::Off => return Ok(None),
        Metering::Exported => (settings.metrics, false),
        Metering::Shown => (settings.metrics, true),
    };
    if protocol.is_none() && !is_shown {
        return Ok(None);
    }
    let mut provider = SdkMeterProvider::builder().with_resource(resource);
    if let Some(protocol) = protocol {
        export::prepare(protocol)?;
        let exporter = Watched::new(protocol, settings.metrics_timeout)?;
        provider =
            provider.with_reader(PeriodicReader::builder(exporter).with_interval(settings.interval).build());
    }
    let mut exposition = None;
    if is_shown {
        let (shown, reader) = Exposition::new()?;
        provider = provider.with_reader(reader);
        exposition = Some(shown);
    }
    let provider = provider.build();
    let instruments = Instruments::new(&provider.meter("tidegate"));
    let sources = Arc::clone(&instruments.sources);
    INSTRUMENTS.get_or_init(|| instruments);
    Ok(Some(Metrics { provider, exposition, sources }))
}

impl Instruments {
    pub(super) fn new(meter: &Meter) -> Self {
        let sources = Arc::<Sources>::default();
        sources.add(Box::new(process::observe));
        for instrument in ALL {
            read(meter, instrument, &sources);
        }
        let histograms = Histograms {
            attempts: histogram(meter, &PROCESS_DURATION),
            ages: histogram(meter, &AGE_WHEN_DONE),
            operations: histogram(meter, &OPERATION_DURATION),
        };
        Self { histograms, sources }
    }

    pub(super) fn observe(&self, source: impl Fn(&mut Observations) + Send + Sync + 'static) {
        self.sources.add(Box::new(source));
    }

    pub(super) fn timers<'d>(&self, actor: &str, destinations: impl Iterator<Item = &'d str>) -> ActorTimers {
        ActorTimers::new(&self.histograms, actor, destinations)
    }

    #[cfg(test)]
    pub(super) fn forget(&self) {
        self.sources.forget();
    }
}

fn histogram(meter: &Meter, instrument: &Instrument) -> Histogram<f64> {
    let Kind::Histogram(boundaries) = instrument.kind else {
        unreachable!("`{}` is recorded, so it is a histogram", instrument.name)
    };
    let builder = meter.f64_histogram(instrument.name).with_unit(instrument.unit);
    builder.with_description(instrument.description).with_boundaries(boundaries.to_vec()).build()
}

/// Has the instrument read off the sources; the meter keeps it. A histogram cannot be read.
fn read(meter: &Meter, instrument: &'static Instrument, sources: &Arc<Sources>) {
    let (name, unit, description) = (instrument.name, instrument.unit, instrument.description);
    let sources = Arc::clone(sources);
    let look = move |observer: &dyn opentelemetry::metrics::AsyncInstrument<f64>| {
        for (labels, value) in sources.read().of(instrument) {
            observer.observe(*value, labels.as_slice());
        }
    };
    match instrument.kind {
        Kind::Counter => {
            let builder = meter.f64_observable_counter(name).with_unit(unit);
            builder.with_description(description).with_callback(look).build();
        }
        Kind::UpDownCounter => {
            let builder = meter.f64_observable_up_down_counter(name).with_unit(unit);
            builder.with_description(description).with_callback(look).build();
        }
        Kind::Gauge => {
            let builder = meter.f64_observable_gauge(name).with_unit(unit);
            builder.with_description(description).with_callback(look).build();
        }
        Kind::Histogram(_) => {}
    }
}

impl Metrics {
    pub(in crate::telemetry) fn exposition(&self) -> Option<Exposition> {
        self.exposition.clone()
    }

    /// Exports a last time and ends the export, within `timeout` even if the collector hangs. Returns whether it could.
    pub(in crate::telemetry) fn shutdown(self, timeout: Duration) -> bool {
        self.sources.forget();
        let (sender, ended) = sync_channel(1);
        // The provider does not heed a timeout: it waits for up to five seconds of its own.
        thread::spawn(move || sender.send(self.provider.shutdown().is_ok()));
        ended.recv_timeout(timeout).unwrap_or(false)
    }
}
