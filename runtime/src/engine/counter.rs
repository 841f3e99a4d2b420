//! A counter that many threads add to without waiting for each other's caches.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

/// Threads beyond this share parts.
const PARTS: usize = 8;

thread_local! {
    static PART: Cell<usize> = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % PARTS)
    };
}

/// Each thread adds to a part of its own; who reads adds the parts up.
#[derive(Debug, Default)]
pub(crate) struct Counter([CachePadded<AtomicU64>; PARTS]);

impl Counter {
    /// Counts one more.
    pub(crate) fn count(&self) {
        self.0[PART.get()].fetch_add(1, Ordering::Relaxed);
    }

    /// How many were counted.
    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().map(|part| part.load(Ordering::Relaxed)).sum()
    }

    /// How many were counted since this was last called.
    pub(crate) fn take(&self) -> u64 {
        self.0.iter().map(|part| part.swap(0, Ordering::Relaxed)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_all_threads_count() {
        let counter = Counter::default();
        std::thread::scope(|scope| {
            for _ in 0..=PARTS {
                scope.spawn(|| (0..100).for_each(|_| counter.count()));
            }
        });

        let sum = counter.sum();
        let (first, second) = (counter.take(), counter.take());

        assert_eq!((sum, first, second), (900, 900, 0));
    }
}
