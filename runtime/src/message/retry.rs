//! How often a message is tried, and how long it waits in between.

use std::time::Duration;

/// The share of a backoff step that jitter may take away.
const JITTER: f64 = 0.25;

/// An actor's `max_deliver` and `backoff`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries of one message in total, the first included.
    pub max_deliver: u32,
    /// The wait after the first, second, … failed attempt; the last step repeats.
    pub backoff: Vec<Duration>,
}

impl RetryPolicy {
    /// The wait after failed attempt number `attempt`. `jitter`, between 0 and 1, shortens it by up to a quarter,
    /// so that entities which failed together are not tried together again.
    pub fn delay(&self, attempt: u32, jitter: f64) -> Duration {
        let step = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let longest = self.backoff.last().copied().unwrap_or_default();
        let delay = self.backoff.get(step).copied().unwrap_or(longest);
        delay.mul_f64(1.0 - JITTER * jitter.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> RetryPolicy {
        RetryPolicy { max_deliver: 5, backoff: vec![Duration::from_millis(200), Duration::from_secs(1)] }
    }

    #[test]
    fn repeats_the_last_step() {
        assert_eq!(policy().delay(1, 0.0), Duration::from_millis(200));
        assert_eq!(policy().delay(2, 0.0), Duration::from_secs(1));
        assert_eq!(policy().delay(9, 0.0), Duration::from_secs(1));
    }

    #[test]
    fn jitter_shortens_by_a_quarter_at_most() {
        assert_eq!(policy().delay(2, 1.0), Duration::from_millis(750));
    }

    #[test]
    fn no_backoff_means_no_wait() {
        assert_eq!(RetryPolicy { max_deliver: 2, backoff: Vec::new() }.delay(1, 0.5), Duration::ZERO);
    }
}
