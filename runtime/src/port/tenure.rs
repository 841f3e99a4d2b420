//! The right to be the only one who pulls a shard, as far as we can know it.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio::time::{Duration, Instant, sleep_until};

const NONE: u64 = 0;
const FOR_EVER: u64 = u64::MAX;

/// A right that the broker gives for a while and that has to be renewed.
///
/// Kept by the source, read by the engine before it starts anything. Measured by the monotonic clock of this process
/// from the moment a renewal was *sent*, it ends here no later than at the broker: a process that was frozen finds it
/// lapsed when it wakes. Once lapsed it cannot be renewed, only granted again.
#[derive(Debug)]
pub struct Tenure {
    born: Instant,
    term: Duration,
    /// Microseconds from `born`.
    until: AtomicU64,
    grants: AtomicU64,
    changed: Notify,
}

impl Tenure {
    /// A right that nobody has granted yet; a grant or a renewal holds for `term`.
    pub fn new(term: Duration) -> Self {
        Self {
            born: Instant::now(),
            term,
            until: AtomicU64::new(NONE),
            grants: AtomicU64::new(0),
            changed: Notify::new(),
        }
    }

    /// The right to what is never shared.
    pub fn for_ever() -> Self {
        let tenure = Self::new(Duration::from_hours(24));
        tenure.until.store(FOR_EVER, Ordering::Release);
        tenure
    }

    /// How long a grant or a renewal holds.
    pub fn term(&self) -> Duration {
        self.term
    }

    /// Whether nobody else can be pulling.
    pub fn is_held(&self) -> bool {
        self.is_held_at(Instant::now())
    }

    /// Whether nobody else can be pulling at this moment, which is `now`.
    pub fn is_held_at(&self, now: Instant) -> bool {
        match self.until.load(Ordering::Acquire) {
            NONE => false,
            FOR_EVER => true,
            until => self.micros(now) < until,
        }
    }

    /// The broker gave the right; `sent` is when it was asked to.
    pub fn grant(&self, sent: Instant) {
        self.grants.fetch_add(1, Ordering::AcqRel);
        self.until.store(self.micros(sent + self.term), Ordering::Release);
        self.changed.notify_waiters();
    }

    /// How often the right was granted: while that is the same and the right is held, nobody else has had it.
    pub fn grants(&self) -> u64 {
        self.grants.load(Ordering::Acquire)
    }

    /// The broker confirmed the right; `sent` is when it was asked to. Returns whether the right still stood.
    pub fn renew(&self, sent: Instant) -> bool {
        let until = self.micros(sent + self.term);
        let extended = self.until.fetch_update(Ordering::AcqRel, Ordering::Acquire, |known| {
            (self.micros(Instant::now()) < known).then(|| known.max(until))
        });
        extended.is_ok()
    }

    /// The right is gone, or given back.
    pub fn end(&self) {
        self.until.store(NONE, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// Waits until the right is held. Cancel safe.
    pub async fn held(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.is_held() {
                return;
            }
            changed.await;
        }
    }

    /// Waits until the right is not held. Cancel safe.
    pub async fn lapsed(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            match self.until.load(Ordering::Acquire) {
                FOR_EVER => changed.await,
                _ if !self.is_held() => return,
                until => tokio::select! {
                    () = changed => {}
                    () = sleep_until(self.born + Duration::from_micros(until)) => {}
                },
            }
        }
    }

    fn micros(&self, at: Instant) -> u64 {
        u64::try_from((at - self.born).as_micros()).unwrap_or(FOR_EVER - 1)
    }
}

impl Default for Tenure {
    fn default() -> Self {
        Self::for_ever()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERM: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn ends_a_term_after_the_last_renewal_was_sent() {
        let tenure = Tenure::new(TERM);
        assert!(!tenure.is_held());

        tenure.grant(Instant::now());
        tokio::time::advance(Duration::from_millis(1500)).await;
        let sent = Instant::now();
        tokio::time::advance(Duration::from_millis(400)).await;
        assert!(tenure.renew(sent));

        tokio::time::advance(Duration::from_millis(1599)).await;
        assert!(tenure.is_held());
        tokio::time::advance(Duration::from_millis(2)).await;
        assert!(!tenure.is_held());
    }

    #[tokio::test(start_paused = true)]
    async fn a_confirmation_that_comes_too_late_renews_nothing() {
        let tenure = Tenure::new(TERM);
        tenure.grant(Instant::now());

        tokio::time::advance(Duration::from_millis(1999)).await;
        let sent = Instant::now();
        tokio::time::advance(Duration::from_millis(2)).await;

        assert!(!tenure.renew(sent));
        assert!(!tenure.is_held());
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_grant_and_for_lapse() {
        let tenure = Tenure::new(TERM);
        let start = Instant::now();
        tenure.grant(start);
        assert!(tenure.renew(start + Duration::from_secs(1)));

        tenure.held().await;
        tenure.lapsed().await;
        assert_eq!(start.elapsed().as_millis(), 3000);

        let (held, ()) = tokio::join!(
            async {
                tenure.held().await;
                start.elapsed().as_secs()
            },
            async {
                tokio::time::sleep(Duration::from_secs(5)).await;
                tenure.grant(Instant::now());
            }
        );
        assert_eq!(held, 8);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_never_shared_never_lapses() {
        let tenure = Tenure::for_ever();

        tokio::time::advance(Duration::from_hours(24 * 365)).await;

        assert!(tenure.is_held());
    }
}
