//! How much could run now: what another instance or another slot would have to do.

/// The entities whose messages are in hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Queues {
    /// All of them.
    pub(crate) all: u64,
    /// Those that wait for their next attempt.
    pub(crate) resting: u64,
}

impl Queues {
    /// Those of which one message runs or could run.
    pub(crate) fn runnable(self) -> u64 {
        self.all.saturating_sub(self.resting)
    }
}

/// What could run of `in_flight` messages in hand, which belong to `queues`, and of `waiting` in the stream, of which nobody
/// knows whose they are: they are taken to be spread over entities as those in hand are.
pub(super) fn runnable(queues: Queues, in_flight: u64, waiting: u64) -> u64 {
    let of_waiting = match in_flight {
        0 => waiting,
        _ => {
            let share = u128::from(waiting) * u128::from(queues.all);
            u64::try_from(share.div_ceil(u128::from(in_flight))).unwrap_or(u64::MAX).min(waiting)
        }
    };
    queues.runnable() + of_waiting
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(all: u64, resting: u64, in_flight: u64, waiting: u64) -> u64 {
        runnable(Queues { all, resting }, in_flight, waiting)
    }

    #[test]
    fn many_entities_could_run_all_at_once() {
        assert_eq!(of(0, 0, 0, 0), 0);
        assert_eq!(of(0, 0, 0, 50), 50);
        assert_eq!(of(100, 0, 100, 50_000), 50_100);
    }

    #[test]
    fn one_busy_entity_is_not_worth_another_instance() {
        assert_eq!(of(1, 0, 1000, 0), 1);
        assert_eq!(of(1, 0, 1000, 50_000), 51);
    }

    #[test]
    fn an_entity_that_waits_for_its_next_attempt_cannot_run() {
        assert_eq!(of(10, 4, 10, 0), 6);
        assert_eq!(of(4, 4, 8, 0), 0);
    }
}
