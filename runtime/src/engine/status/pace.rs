//! How long most attempts take, counted where they end: a histogram of the last minute, written without locks.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long is counted before what was counted before that is forgotten: what is told is of one to two of these.
const PERIOD: Duration = Duration::from_secs(30);

/// So many steps make a time twice as long.
const STEPS: u32 = 4;

/// Up to 2^40 microseconds, which is twelve days.
const PLACES: usize = 40 * STEPS as usize;

/// Counts attempts by how long they took, to a fifth.
pub(super) struct Pace {
    banks: [[AtomicU64; PLACES]; 2],
    current: AtomicUsize,
    /// Since when the current one counts.
    since: Mutex<Instant>,
}

impl Pace {
    pub(super) fn note(&self, took: Duration) {
        let bank = &self.banks[self.current.load(Ordering::Relaxed)];
        bank[place(took)].fetch_add(1, Ordering::Relaxed);
    }

    /// In what time 99 of 100 attempts ended; `None` when there was none. Forgets what is long ago: who wants to know
    /// asks again and again.
    pub(super) fn p99(&self) -> Option<Duration> {
        self.turn();
        let count =
            |place: usize| self.banks.iter().map(|bank| bank[place].load(Ordering::Relaxed)).sum::<u64>();
        let counts: Vec<u64> = (0..PLACES).map(count).collect();
        let mut above = counts.iter().sum::<u64>() / 100;
        for (place, count) in counts.into_iter().enumerate().rev() {
            match above.checked_sub(count) {
                Some(rest) => above = rest,
                None => return Some(end(place)),
            }
        }
        None
    }

    fn turn(&self) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.elapsed() < PERIOD {
            return;
        }
        *since = Instant::now();
        let other = 1 - self.current.load(Ordering::Relaxed);
        for count in &self.banks[other] {
            count.store(0, Ordering::Relaxed);
        }
        self.current.store(other, Ordering::Relaxed);
    }
}

/// Times share places: there are [`STEPS`] from one power of two to the next.
fn place(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    let power = micros.ilog2();
    // The two bits after the first one.
    let step = if power < 2 { micros << (2 - power) } else { micros >> (power - 2) } & 3;
    let place = power * STEPS + u32::try_from(step).expect("two bits");
    (place as usize).min(PLACES - 1)
}

/// The longest time that has this place.
fn end(place: usize) -> Duration {
    let (power, step) = (place as u64 / u64::from(STEPS), place as u64 % u64::from(STEPS));
    let next = (u64::from(STEPS) + step + 1) << power;
    Duration::from_micros(next.div_ceil(u64::from(STEPS)) - 1)
}

impl Default for Pace {
    fn default() -> Self {
        let bank = || std::array::from_fn(|_| AtomicU64::new(0));
        Self { banks: [bank(), bank()], current: AtomicUsize::new(0), since: Mutex::new(Instant::now()) }
    }
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pace").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_told_to_a_fifth() {
        for micros in (1..5000).chain([123_456, 30_000_000, 86_400_000_000]) {
            let time = Duration::from_micros(micros);

            let told = end(place(time));

            assert!(told >= time && told <= time * 5 / 4, "{time:?} is told as {told:?}");
        }
        assert!(end(place(Duration::MAX)) > Duration::from_hours(24));
    }

    #[tokio::test(start_paused = true)]
    async fn one_in_a_hundred_may_take_longer_and_is_forgotten_after_a_minute() {
        let pace = Pace::default();
        let nothing = pace.p99();
        (0..198).for_each(|_| pace.note(Duration::from_micros(900)));
        (0..2).for_each(|_| pace.note(Duration::from_secs(9)));
        let most = pace.p99();
        pace.note(Duration::from_secs(9));
        let with_three = pace.p99();

        tokio::time::advance(PERIOD).await;
        let soon = pace.p99();
        tokio::time::advance(PERIOD).await;

        assert_eq!(nothing, None);
        assert!(most.is_some_and(|time| time < Duration::from_micros(1125)), "{most:?}");
        assert!(with_three.is_some_and(|time| time >= Duration::from_secs(9)), "{with_three:?}");
        assert_eq!((soon, pace.p99()), (with_three, None));
    }
}
