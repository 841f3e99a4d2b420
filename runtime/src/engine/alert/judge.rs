//! One number held against its threshold. Pure.

use std::time::Duration;

use tokio::time::Instant;

use crate::message::AlertTurn;

/// Down to which part of its threshold a number has to fall before its alert is cleared, so that one that trembles
/// there raises it once.
const CLEAR: f64 = 0.8;

/// What is known of one number.
#[derive(Debug, Clone)]
pub(super) struct Judge {
    pub(super) threshold: f64,
    lasting: Duration,
    is_raised: bool,
    /// Since when it is on the other side.
    crossed: Option<Instant>,
}

impl Judge {
    /// Raises when the number is above `threshold` for as long as `lasting`, and clears when it is clearly below for as
    /// long.
    pub(super) fn new(threshold: f64, lasting: Duration) -> Self {
        Self { threshold, lasting, is_raised: false, crossed: None }
    }

    pub(super) fn is_raised(&self) -> bool {
        self.is_raised
    }

    /// Looks at the number; `None` where it is not known any more, as when another instance knows it, which is no
    /// reason to raise and one to clear.
    pub(super) fn look(&mut self, value: Option<f64>, now: Instant) -> Option<AlertTurn> {
        let is_crossed = match value {
            None => self.is_raised,
            Some(value) if self.is_raised => value <= self.threshold * CLEAR,
            Some(value) => value > self.threshold,
        };
        if !is_crossed {
            self.crossed = None;
            return None;
        }
        let since = *self.crossed.get_or_insert(now);
        if now - since < self.lasting {
            return None;
        }
        self.crossed = None;
        self.is_raised = !self.is_raised;
        Some(if self.is_raised { AlertTurn::Raised } else { AlertTurn::Cleared })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LASTING: Duration = Duration::from_secs(10);

    /// What becomes of values that are looked at once a second, with the second in which it does.
    fn turns(values: impl IntoIterator<Item = Option<f64>>) -> Vec<(u64, AlertTurn)> {
        let (mut judge, start) = (Judge::new(100.0, LASTING), Instant::now());
        let looks = (0..).zip(values);
        looks
            .filter_map(|(second, value)| {
                Some((second, judge.look(value, start + Duration::from_secs(second))?))
            })
            .collect()
    }

    fn steady(value: f64, seconds: usize) -> Vec<Option<f64>> {
        vec![Some(value); seconds]
    }

    #[test]
    fn is_raised_when_the_number_has_been_past_its_threshold_long_enough() {
        assert_eq!(turns(steady(101.0, 20)), [(10, AlertTurn::Raised)]);
        assert_eq!(turns(steady(100.0, 20)), [], "at the threshold is not past it");
        assert_eq!(turns([steady(101.0, 10), steady(99.0, 1), steady(101.0, 10)].concat()), []);
    }

    #[test]
    fn is_cleared_when_the_number_has_been_clearly_below_long_enough() {
        let raised = (10, AlertTurn::Raised);

        assert_eq!(turns([steady(101.0, 11), steady(81.0, 100)].concat()), [raised]);
        assert_eq!(turns([steady(101.0, 11), steady(80.0, 11)].concat()), [raised, (21, AlertTurn::Cleared)]);
    }

    #[test]
    fn a_number_that_nobody_knows_raises_nothing_and_clears_what_was_raised() {
        assert_eq!(turns(vec![None; 30]), []);
        assert_eq!(
            turns([steady(101.0, 11), vec![None; 11]].concat()),
            [(10, AlertTurn::Raised), (21, AlertTurn::Cleared)]
        );
    }

    #[test]
    fn a_threshold_of_nothing_can_be_cleared() {
        let (mut judge, now) = (Judge::new(0.0, Duration::ZERO), Instant::now());

        assert_eq!(judge.look(Some(1.0), now), Some(AlertTurn::Raised));
        assert_eq!(judge.look(Some(0.0), now), Some(AlertTurn::Cleared));
    }

    proptest! {
        #[test]
        fn turns_alternate_and_none_comes_sooner_than_it_may(
            values in prop::collection::vec(prop::option::of(0.0..200.0_f64), 0..400),
        ) {
            let turns = turns(values);

            for (index, (_, turn)) in turns.iter().enumerate() {
                let expected = if index % 2 == 0 { AlertTurn::Raised } else { AlertTurn::Cleared };
                prop_assert_eq!(*turn, expected);
            }
            for pair in turns.windows(2) {
                prop_assert!(pair[1].0 - pair[0].0 > LASTING.as_secs());
            }
        }
    }
}
