//! What a case is to reach, and whether it did.

use serde::Serialize;

use crate::measure::{Measure, Run, median};

/// A bound on the median of a measure.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The entry it is about.
    pub(crate) entry: String,
    pub(crate) measure: Measure,
    pub(crate) beside: Beside,
    pub(crate) bound: Bound,
}

/// What the median is divided by.
#[derive(Debug, Clone)]
pub(crate) enum Beside {
    /// Nothing: the bound is in the unit of the measure.
    Nothing,
    /// The median of another entry.
    Entry(String),
    /// The largest median of all entries.
    Largest,
}

/// On which side it has to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// A target and what was reached.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    /// In words.
    pub(crate) target: String,
    pub(crate) reached: f64,
    pub(crate) is_met: bool,
}

impl Target {
    /// At least `bound` times the rate of `other`.
    pub(crate) fn rate(entry: &str, bound: f64, other: &str) -> Self {
        Self::beside(entry, Measure::Rate, Bound::AtLeast(bound), other)
    }

    /// A ratio of medians of two entries.
    pub(crate) fn beside(entry: &str, measure: Measure, bound: Bound, other: &str) -> Self {
        Self { entry: entry.to_owned(), measure, beside: Beside::Entry(other.to_owned()), bound }
    }

    /// A bound in the unit of the measure.
    pub(crate) fn absolute(entry: &str, measure: Measure, bound: Bound) -> Self {
        Self { entry: entry.to_owned(), measure, beside: Beside::Nothing, bound }
    }

    /// All entries within a tenth of the fastest.
    pub(crate) fn all_alike(entries: &[String]) -> Vec<Self> {
        let alike = |entry: &String| Self {
            entry: entry.clone(),
            measure: Measure::Rate,
            beside: Beside::Largest,
            bound: Bound::AtLeast(0.9),
        };
        entries.iter().map(alike).collect()
    }

    /// Compares medians; `None` when a number is missing.
    pub(crate) fn judge(&self, entries: &[(String, Vec<Run>)]) -> Option<Verdict> {
        let of = |label: &str| {
            let (_, runs) = entries.iter().find(|(name, _)| name == label)?;
            median(runs, self.measure)
        };
        let value = of(&self.entry)?;
        let reached = match &self.beside {
            Beside::Nothing => value,
            Beside::Entry(other) => value / of(other)?,
            Beside::Largest => {
                let all = entries.iter().filter_map(|(label, _)| of(label));
                value / all.max_by(f64::total_cmp)?
            }
        };
        let is_met = match self.bound {
            Bound::AtLeast(least) => reached >= least,
            Bound::AtMost(most) => reached <= most,
        };
        Some(Verdict { target: self.words(), reached, is_met })
    }

    fn words(&self) -> String {
        let title = self.measure.title();
        let (sign, bound) = match self.bound {
            Bound::AtLeast(least) => ("≥", least),
            Bound::AtMost(most) => ("≤", most),
        };
        match &self.beside {
            Beside::Nothing => format!("{}: {title} {sign} {bound}", self.entry),
            Beside::Entry(other) => format!("{}: {title} {sign} {bound} × {other}", self.entry),
            Beside::Largest => format!("{}: {title} {sign} {bound} × the fastest", self.entry),
        }
    }
}

#[test]
fn ratios_of_medians_are_judged() {
    let runs = |rate: f64| vec![Run::from([(Measure::Rate, rate)])];
    let entries = vec![("a".to_owned(), runs(90.0)), ("b".to_owned(), runs(100.0))];
    let met = |target: Target| target.judge(&entries).is_some_and(|verdict| verdict.is_met);

    assert!(met(Target::rate("a", 0.9, "b")));
    assert!(!met(Target::rate("a", 0.95, "b")));
    assert!(met(Target::absolute("b", Measure::Rate, Bound::AtMost(100.0))));
    assert!(Target::rate("a", 1.0, "c").judge(&entries).is_none());
    assert!(Target::all_alike(&["a".to_owned(), "b".to_owned()]).into_iter().all(met));
}
