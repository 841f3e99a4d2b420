//! An output of an actor, and how much room it has.

use super::depth::Depth;
use crate::port::{Gauge, Reading};
use crate::topology::FlowMarks;

/// A stream that makes an actor wait, as an instance sees it that emits into it.
pub struct Outlet {
    /// Its name.
    pub stream: String,
    /// How much may wait in it.
    pub marks: FlowMarks,
    /// Reads it.
    pub gauge: Box<dyn Gauge>,
}

impl Outlet {
    /// How many more messages it takes below its high mark; `None` when nothing limits it, or it cannot be told.
    pub(super) async fn room(&mut self) -> Option<u64> {
        let reading = self.gauge.read().await.ok()?;
        room(&self.marks, &reading, &Depth::of_all(&reading))
    }
}

impl std::fmt::Debug for Outlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outlet").field("stream", &self.stream).finish_non_exhaustive()
    }
}

fn room(marks: &FlowMarks, reading: &Reading, depths: &[Depth]) -> Option<u64> {
    let deepest = depths.iter().map(Depth::messages).max().unwrap_or_default();
    let mean = (reading.stored.bytes / reading.stored.messages.max(1)).max(1);
    let messages = marks.messages.map(|marks| marks.high.saturating_sub(deepest));
    let bytes = marks.bytes.map(|marks| marks.high.saturating_sub(deepest.saturating_mul(mean)) / mean);
    let most = |limit: u64| limit - limit / 20;
    let stored = reading.limit.messages.map(|limit| most(limit).saturating_sub(reading.stored.messages));
    let weight = reading.limit.bytes.map(|limit| most(limit).saturating_sub(reading.stored.bytes) / mean);
    [messages, bytes, stored, weight].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::message::ShardId;
    use crate::port::{Limit, Load, Reader};
    use crate::topology::Marks;

    fn room_of(marks: &FlowMarks, limit: Limit, stored: u64, waiting: u64) -> Option<u64> {
        let shard = ShardId { actor: "a".into(), shard: 0 };
        let reading = Reading {
            at: SystemTime::UNIX_EPOCH,
            stored: Load { messages: stored, bytes: stored * 10 },
            limit,
            last: stored,
            readers: vec![Reader { shard, waiting, unsettled: 5, deliveries: 0, oldest: None }],
        };
        room(marks, &reading, &Depth::of_all(&reading))
    }

    #[test]
    fn is_what_the_nearest_mark_leaves() {
        let messages = FlowMarks { messages: Some(Marks { low: 1, high: 100 }), ..FlowMarks::default() };
        let bytes = FlowMarks { bytes: Some(Marks { low: 1, high: 1000 }), ..FlowMarks::default() };
        let none = Limit::default();
        let limit = Limit { messages: Some(1000), bytes: None };

        assert_eq!(room_of(&messages, none, 500, 35), Some(60));
        assert_eq!(room_of(&bytes, none, 500, 35), Some(60));
        assert_eq!(room_of(&messages, none, 500, 200), Some(0));
        assert_eq!(room_of(&messages, limit, 930, 0), Some(20), "the stream is nearly full of what is done");
        assert_eq!(room_of(&FlowMarks::default(), none, 500, 35), None);
    }
}
