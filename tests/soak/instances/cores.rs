//! How busy the machine is: a rate that the cores limit tells nothing about handlers.

use std::fs;

/// The kernel's count of what the cores did, in its ticks. Linux only; elsewhere nothing is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cores {
    all: u64,
    idle: u64,
}

impl Cores {
    /// Up to now.
    pub(super) fn read() -> Self {
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        let first = text.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = first.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        // user, nice, system, idle, iowait, irq, softirq, steal; what follows is counted in the first two already.
        Self { all: ticks.iter().take(8).sum(), idle: ticks.iter().skip(3).take(2).sum() }
    }

    /// The share of all cores that was in use since.
    #[expect(clippy::cast_precision_loss, reason = "a count of ticks is far below 2^52")]
    pub(super) fn busy_since(self) -> f64 {
        let now = Self::read();
        let (all, idle) = (now.all - self.all, now.idle - self.idle);
        1.0 - idle as f64 / all.max(1) as f64
    }
}
