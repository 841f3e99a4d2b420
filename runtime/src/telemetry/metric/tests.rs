//! Every instrument as it is shown, beside what the documentation promises.
#![expect(clippy::float_cmp, reason = "counts are whole numbers")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;

use super::prometheus::Exposition;
use super::provider::Instruments;
use super::timers::ActorTimers;
use super::vocabulary::{
    AGE_WHEN_DONE, ALL, DEAD_LETTERS, ENDED, MAILBOX_FULL, OPERATION_DURATION, PROCESS_DURATION,
};
use super::{Instrument, Kind, Labels, Observations};
use crate::message::{PartitionId, Reason};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations/metrics.md");
const TABLE: (&str, &str) = ("<!-- instruments -->\n", "<!-- end of instruments -->");

/// A process whose metrics are shown.
struct Shown {
    instruments: Instruments,
    exposition: Exposition,
    _provider: SdkMeterProvider,
}

impl Shown {
    fn new() -> Self {
        let (exposition, reader) = Exposition::new().expect("nothing is registered twice");
        let provider = SdkMeterProvider::builder().with_reader(reader).build();
        let instruments = Instruments::new(&provider.meter("test"));
        Self { instruments, exposition, _provider: provider }
    }

    fn timers(&self) -> ActorTimers {
        self.instruments.timers("payments", ["paid.{order}"].into_iter())
    }

    /// The lines that show values, by what stands before the value.
    fn values(&self) -> BTreeMap<String, f64> {
        let text = self.text();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let values = lines.map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a value after a space");
            (series.to_owned(), value.parse().expect("a number"))
        });
        values.collect()
    }

    fn text(&self) -> String {
        self.exposition.text().expect("text")
    }
}

/// Gives every instrument a value with all of its labels.
fn fill(shown: &Shown) {
    shown.instruments.observe(|observations: &mut Observations| {
        for instrument in ALL.iter().filter(|instrument| !matches!(instrument.kind, Kind::Histogram(_))) {
            let labels =
                instrument.labels.iter().fold(Labels::default(), |labels, key| labels.with(key, "x"));
            observations.whole(instrument, labels, 1);
        }
    });
    let timers = shown.timers();
    timers.attempted(Duration::from_millis(2), Some("timeout"));
    timers.done(SystemTime::now());
    timers.published(timers.start(), "paid.{order}", Some("full"));
}

/// A row of the documentation: what stands in the vocabulary, and what Prometheus shows.
fn row(instrument: &Instrument, text: &str) -> String {
    let help = format!(" {}\n", instrument.description);
    let (before, after) =
        text.split_once(&help).unwrap_or_else(|| panic!("`{}` is not shown", instrument.name));
    let name = before.rsplit_once("# HELP ").expect("a help line").1;
    let mut labels: Vec<String> = instrument.labels.iter().map(|label| label.replace('.', "_")).collect();
    labels.sort();
    let series = after.split("# HELP ").next().unwrap_or_default();
    let has_all = |line: &str| labels.iter().all(|label| line.contains(&format!("{label}=\"")));
    assert!(series.lines().skip(1).any(has_all), "`{name}` is shown without {labels:?}: {series}");
    let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
    format!(
        "| `{name}` | `{}` | {} | {} | {} | {} |\n",
        instrument.name,
        instrument.kind.as_str(),
        instrument.unit,
        labels.join(", "),
        instrument.description
    )
}

#[test]
fn the_documentation_has_every_instrument_as_it_is_shown() {
    let shown = Shown::new();
    fill(&shown);
    let text = shown.text();

    let head = "| in Prometheus | instrument | kind | unit | labels | |\n|---|---|---|---|---|---|\n";
    let rows: String = ALL.iter().map(|instrument| row(instrument, &text)).collect();
    let table = format!("{head}{rows}");

    let document = std::fs::read_to_string(DOCUMENT).expect("the page is there");
    let (before, rest) = document.split_once(TABLE.0).expect("the table has a beginning");
    let (documented, after) = rest.split_once(TABLE.1).expect("the table has an end");
    if std::env::var_os("UPDATE").is_some() {
        let updated = format!("{before}{}{table}{}{after}", TABLE.0, TABLE.1);
        std::fs::write(Path::new(DOCUMENT), updated).expect("the page can be written");
    }
    assert_eq!(
        documented, table,
        "run with UPDATE=1 if this is right; names that dashboards use must not change"
    );
}

#[test]
fn nothing_is_shown_that_is_not_in_the_vocabulary() {
    let shown = Shown::new();
    fill(&shown);
    let text = shown.text();

    let helps = text.lines().filter_map(|line| line.strip_prefix("# HELP "));
    let unknown: Vec<&str> = helps
        .filter(|help| !ALL.iter().any(|instrument| help.ends_with(instrument.description)))
        .filter(|help| !help.starts_with("target_info"))
        .collect();
    assert_eq!(unknown, [""; 0]);
}

#[test]
fn names_and_descriptions_tell_instruments_apart() {
    for (index, instrument) in ALL.iter().enumerate() {
        assert!(instrument.description.ends_with('.'), "`{}` is described in a sentence", instrument.name);
        assert!(!instrument.description.contains('|'), "`{}` would break the table", instrument.name);
        for other in &ALL[..index] {
            assert_ne!(instrument.name, other.name);
            assert_ne!(instrument.description, other.description);
        }
    }
}

#[test]
fn values_are_shown_with_their_labels() {
    let shown = Shown::new();

    shown.instruments.observe(|observations: &mut Observations| {
        observations.whole(&ENDED, Labels::actor("payments").outcome("done"), 41);
        observations.whole(&DEAD_LETTERS, Labels::actor("payments").reason(Reason::Exhausted), 2);
        observations.real(&MAILBOX_FULL, Labels::actor("payments").partition(PartitionId(7)), 1.5);
    });

    let values = shown.values();
    let ended = r#"tidegate_message_ended_total{tidegate_actor="payments",tidegate_outcome="done"}"#;
    let dead = r#"tidegate_dead_letter_written_total{tidegate_actor="payments",tidegate_reason="exhausted"}"#;
    let full = r#"tidegate_mailbox_full_duration_seconds{tidegate_actor="payments",tidegate_partition="7"}"#;
    assert_eq!(
        [ended, dead, full].map(|series| values.get(series).copied()),
        [Some(41.0), Some(2.0), Some(1.5)]
    );
    assert!(values["process_memory_usage_bytes"] > 1e6, "{values:?}");
}

#[test]
fn a_level_that_is_not_read_any_more_is_not_shown_any_more() {
    let shown = Shown::new();
    let asked = std::sync::atomic::AtomicUsize::new(0);
    shown.instruments.observe(move |observations: &mut Observations| {
        if asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 {
            observations.whole(&MAILBOX_FULL, Labels::actor("payments").partition(PartitionId(7)), 1);
        }
    });
    let is_shown =
        |values: &BTreeMap<String, f64>| values.keys().any(|series| series.contains("mailbox_full"));

    let first = shown.values();
    shown.instruments.forget();
    let second = shown.values();

    assert!(is_shown(&first) && !is_shown(&second));
}

#[test]
fn times_fall_into_buckets_of_their_actor() {
    let shown = Shown::new();
    let timers = shown.timers();

    for error in [None, None, Some("timeout")] {
        timers.attempted(Duration::from_millis(2), error);
    }
    timers.done(SystemTime::now() - Duration::from_secs(20));
    timers.done(SystemTime::now() + Duration::from_secs(20));
    timers.published(timers.start(), "paid.{order}", None);
    timers.published(timers.start(), "somewhere.else", None);

    let values = shown.values();
    let count = |start: &str, also: &str| -> f64 {
        let of = |(series, _): &(&String, &f64)| series.starts_with(start) && series.contains(also);
        values.iter().filter(of).map(|(_, value)| value).sum()
    };
    assert_eq!(count("messaging_process_duration_seconds_count", ""), 3.0);
    assert_eq!(count("messaging_process_duration_seconds_count", "error_type=\"timeout\""), 1.0);
    assert!((count("messaging_process_duration_seconds_sum", "") - 0.006).abs() < 1e-9);
    assert_eq!(count("messaging_client_operation_duration_seconds_count", "paid.{order}"), 1.0);
    assert_eq!(
        count("messaging_client_operation_duration_seconds_count", ""),
        1.0,
        "only what was announced"
    );
    // A message from the future is as young as can be.
    assert_eq!(count("tidegate_message_age_seconds_bucket", "le=\"10\""), 1.0);
    assert_eq!(count("tidegate_message_age_seconds_bucket", "le=\"30\""), 2.0);
    assert!(count("tidegate_message_age_seconds_sum", "") < 21.0);
}

#[test]
fn an_actor_without_clocks_measures_nothing() {
    let timers = ActorTimers::default();

    timers.attempted(Duration::from_millis(2), None);
    timers.done(SystemTime::now());

    assert!(format!("{:?}", timers.start()).contains("None"));
}

#[test]
fn histograms_have_ascending_buckets() {
    for instrument in [PROCESS_DURATION, AGE_WHEN_DONE, OPERATION_DURATION] {
        let Kind::Histogram(boundaries) = instrument.kind else { panic!("`{}`", instrument.name) };
        assert!(boundaries.is_sorted_by(|left, right| left < right), "`{}`", instrument.name);
    }
}
