//! What a soak comes to.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use support::faults::{Event, Evidence, count_repeats};

/// The sums over all rounds.
#[derive(Debug, Default)]
pub(super) struct Report {
    rounds: usize,
    spent: Duration,
    messages: usize,
    dead_letters: usize,
    attempts: usize,
    faults: BTreeMap<&'static str, usize>,
    repeats: usize,
    repeats_allowed: usize,
    violations: usize,
}

impl Report {
    pub(super) fn add(&mut self, evidence: &Evidence, violations: usize, spent: Duration) {
        let (repeats, allowed) = count_repeats(evidence);
        self.rounds += 1;
        self.spent += spent;
        self.messages += evidence.input.len();
        self.dead_letters += evidence.letters.len();
        self.attempts += evidence.history.iter().filter(|line| line.event == Event::Start).count();
        for fault in &evidence.faults {
            *self.faults.entry(fault.kind.name()).or_default() += 1;
        }
        self.repeats += repeats;
        self.repeats_allowed += allowed;
        self.violations += violations;
    }

    pub(super) fn has_violations(&self) -> bool {
        self.violations > 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "rounds              {:>10}", self.rounds)?;
        writeln!(f, "minutes             {:>10.1}", self.spent.as_secs_f64() / 60.0)?;
        writeln!(f, "messages            {:>10}", self.messages)?;
        writeln!(f, "dead letters        {:>10}", self.dead_letters)?;
        writeln!(f, "attempts            {:>10}", self.attempts)?;
        writeln!(f, "faults              {:>10}", self.faults.values().sum::<usize>())?;
        for (name, times) in &self.faults {
            writeln!(f, "  {name:<18}{times:>10}")?;
        }
        writeln!(f, "repeats             {:>10}  of {} allowed", self.repeats, self.repeats_allowed)?;
        write!(f, "violations          {:>10}", self.violations)
    }
}

#[test]
fn sums_are_told() {
    let mut report = Report::default();

    report.add(&Evidence::default(), 2, Duration::from_secs(90));

    assert!(report.has_violations());
    assert!(report.to_string().ends_with("violations                   2"), "{report}");
}
