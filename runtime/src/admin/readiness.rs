//! Whether this instance is ready, and why not: in words, and steady enough to act upon. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a fault still counts after it was last seen: who asks every few seconds must not see it come and go.
const CALM: Duration = Duration::from_secs(2);

/// Something that keeps us from being ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// What it is the same fault by, whatever it says.
    pub(super) subject: String,
    /// What is wrong, for people.
    pub(super) text: String,
    /// How long it must last before it counts.
    pub(super) patience: Duration,
}

/// Remembers faults from one look to the next.
#[derive(Debug, Default)]
pub(super) struct Readiness(BTreeMap<String, Seen>);

#[derive(Debug)]
struct Seen {
    fault: Fault,
    first: Instant,
    last: Instant,
}

impl Readiness {
    /// Why we are not ready, after `faults` were seen `now`; nothing when we are.
    pub(super) fn judge(&mut self, faults: Vec<Fault>, now: Instant) -> Vec<String> {
        for fault in faults {
            let seen = self.0.entry(fault.subject.clone());
            let seen = seen.or_insert_with(|| Seen { fault: fault.clone(), first: now, last: now });
            (seen.fault, seen.last) = (fault, now);
        }
        self.0.retain(|_, seen| now - seen.last < CALM);
        let counting = self.0.values().filter(|seen| seen.last - seen.first >= seen.fault.patience);
        counting.map(|seen| seen.fault.text.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str, patience: u64) -> Fault {
        Fault { subject: "broker".to_owned(), text: text.to_owned(), patience: Duration::from_secs(patience) }
    }

    /// At which of so many half seconds a fault that is there in `seen` makes us not ready.
    fn not_ready(patience: u64, seen: &[bool]) -> Vec<bool> {
        let (mut readiness, start) = (Readiness::default(), Instant::now());
        let judge = |(place, is_seen): (usize, &bool)| {
            let faults = if *is_seen { vec![fault("away", patience)] } else { Vec::new() };
            let at = start + Duration::from_millis(500) * u32::try_from(place).expect("few looks");
            !readiness.judge(faults, at).is_empty()
        };
        seen.iter().enumerate().map(judge).collect()
    }

    #[test]
    fn a_fault_counts_when_it_lasts_and_a_while_longer() {
        let (yes, no) = (true, false);

        assert_eq!(not_ready(0, &[yes, no, no, no, no, no]), [yes, yes, yes, yes, no, no]);
        assert_eq!(not_ready(1, &[yes, yes, yes, no, no, no, no, no]), [no, no, yes, yes, yes, yes, no, no]);
        assert_eq!(not_ready(1, &[yes, no, no, no, no, yes]), [no; 6]);
    }

    #[test]
    fn what_comes_and_goes_stays() {
        let flapping: Vec<bool> = (0..40).map(|look| look % 3 == 0).collect();

        let shown = not_ready(1, &flapping);

        assert!(shown[3..].iter().all(|is_shown| *is_shown), "{shown:?}");
    }

    #[test]
    fn a_fault_says_what_was_said_last() {
        let (mut readiness, now) = (Readiness::default(), Instant::now());

        readiness.judge(vec![fault("away for 1 s", 0)], now);

        assert_eq!(readiness.judge(vec![fault("away for 2 s", 0)], now), ["away for 2 s"]);
    }
}
