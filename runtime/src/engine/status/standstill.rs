//! How long a shard's intake stands still, and for which partition.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::message::PartitionId;

/// Written when it changes, read by whoever watches.
#[derive(Debug, Default)]
pub(super) struct Standstill(Mutex<Standing>);

#[derive(Debug, Default)]
struct Standing {
    held_up_by: Option<(PartitionId, Instant)>,
    /// How long it stood still before, in all.
    before: Duration,
}

impl Standstill {
    /// Intake stands still because of this partition, or goes on.
    pub(super) fn note(&self, held_up_by: Option<PartitionId>) {
        let mut standing = self.lock();
        if standing.held_up_by.map(|(partition, _)| partition) == held_up_by {
            return;
        }
        let now = Instant::now();
        if let Some((_, since)) = standing.held_up_by {
            standing.before += now - since;
        }
        standing.held_up_by = held_up_by.map(|partition| (partition, now));
    }

    /// How long intake has stood still in all, and the partition that holds it up, with since when.
    pub(super) fn stood(&self) -> (Duration, Option<(PartitionId, Instant)>) {
        let standing = self.lock();
        let current = standing.held_up_by.map_or(Duration::ZERO, |(_, since)| since.elapsed());
        (standing.before + current, standing.held_up_by)
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_adds_up_and_the_partition_is_named_while_it_lasts() {
        let standstill = Standstill::default();

        standstill.note(Some(PartitionId(3)));
        standstill.note(Some(PartitionId(3)));
        let (first, held_up_by) = standstill.stood();
        standstill.note(Some(PartitionId(4)));
        let other = standstill.stood().1;
        standstill.note(None);
        let (all, nobody) = standstill.stood();
        let (later, _) = standstill.stood();

        assert_eq!(held_up_by.map(|(partition, _)| partition), Some(PartitionId(3)));
        assert_eq!(other.map(|(partition, _)| partition), Some(PartitionId(4)));
        assert!(nobody.is_none() && all >= first && all > Duration::ZERO);
        assert_eq!(all, later, "it does not grow while intake goes on");
    }
}
