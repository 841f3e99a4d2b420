//! What is known of the streams at this moment: the entries that arrived, and how long each holds.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::{Flow, FlowState};

/// The latest entry of each stream. Knows no clock but the one it is given.
#[derive(Debug, Default)]
pub(crate) struct Board {
    entries: HashMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    flow: Arc<Flow>,
    arrived: Instant,
    /// Whether it was said already that it holds no longer.
    is_over: bool,
}

impl Entry {
    fn holds(&self, now: Instant) -> bool {
        now < self.arrived + self.flow.holds()
    }

    fn is_half_over(&self, now: Instant) -> bool {
        now >= self.arrived + self.flow.holds() / 2
    }
}

impl Board {
    /// Takes an entry that was written just now. Whether it is news: one that arrives again is not.
    pub(crate) fn hear(&mut self, flow: Flow, now: Instant) -> Option<Arc<Flow>> {
        if self.entries.get(&flow.stream).is_some_and(|known| *known.flow == flow) {
            return None;
        }
        let flow = Arc::new(flow);
        let entry = Entry { flow: Arc::clone(&flow), arrived: now, is_over: false };
        self.entries.insert(flow.stream.clone(), entry);
        Some(flow)
    }

    /// Takes an entry that was read and may be old: it says nothing against a later one of the same writer, nor
    /// against another's while that is fresh.
    pub(crate) fn read(&mut self, flow: Flow, now: Instant) -> Option<Arc<Flow>> {
        let is_older = self.entries.get(&flow.stream).is_some_and(|known| {
            if known.flow.instance == flow.instance {
                flow.written <= known.flow.written
            } else {
                !known.is_half_over(now)
            }
        });
        if is_older { None } else { self.hear(flow, now) }
    }

    /// Forgets a stream: its entry was deleted.
    pub(crate) fn forget(&mut self, stream: &str) {
        self.entries.remove(stream);
    }

    /// The streams whose entry has ceased to hold since the last call.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<String> {
        let over = self.entries.values_mut().filter(|entry| !entry.is_over && !entry.holds(now));
        over.map(|entry| {
            entry.is_over = true;
            entry.flow.stream.clone()
        })
        .collect()
    }

    /// Whether an entry should have been renewed by now, so that it is time to look.
    pub(crate) fn is_waiting(&self, now: Instant) -> bool {
        self.entries.values().any(|entry| !entry.is_over && entry.is_half_over(now))
    }
}

/// Whether the entry asks its publishers to hold back.
pub(crate) fn holds_back(flow: &Flow) -> bool {
    matches!(flow.state, FlowState::Slow | FlowState::Stop)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    const HOLDS: Duration = Duration::from_secs(5);

    fn entry(instance: &str, written: u64) -> Flow {
        let time = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        Flow {
            stream: "ORDERS".to_owned(),
            subjects: vec!["orders.>".to_owned()],
            state: FlowState::Stop,
            since: time(1),
            rate: None,
            stored: 1.0,
            done: 1.0,
            pressure: None,
            full_in: None,
            holds: u64::try_from(HOLDS.as_millis()).expect("a few seconds"),
            instance: instance.to_owned(),
            written: time(written),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_holds_from_its_arrival_and_ends_once() {
        let (mut board, now) = (Board::default(), Instant::now());

        assert!(board.hear(entry("a", 1), now).is_some());

        assert_eq!(board.expire(now + HOLDS - Duration::from_millis(1)), [] as [&str; 0]);
        assert_eq!(board.expire(now + HOLDS), ["ORDERS"]);
        assert_eq!(board.expire(now + 2 * HOLDS), [] as [&str; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_arrives_again_is_not_fresh() {
        let (mut board, now) = (Board::default(), Instant::now());
        board.hear(entry("a", 1), now);

        assert!(board.hear(entry("a", 1), now + HOLDS / 2).is_none());
        assert_eq!(board.expire(now + HOLDS), ["ORDERS"]);
        assert!(board.read(entry("a", 1), now + HOLDS).is_none(), "what was over came back");
        assert!(board.hear(entry("a", 2), now + HOLDS).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_read_says_nothing_against_what_was_heard() {
        let (mut board, now) = (Board::default(), Instant::now());
        board.hear(entry("a", 7), now);

        assert!(board.read(entry("a", 6), now + HOLDS / 4).is_none());
        assert!(board.read(entry("b", 9), now + HOLDS / 4).is_none());
        assert!(board.read(entry("a", 8), now + HOLDS / 4).is_some());
        assert!(board.read(entry("b", 2), now + HOLDS).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn looks_when_no_sign_of_life_has_come() {
        let (mut board, now) = (Board::default(), Instant::now());
        board.hear(entry("a", 1), now);

        assert!(!board.is_waiting(now + HOLDS / 4));
        assert!(board.is_waiting(now + HOLDS / 2));
        board.expire(now + HOLDS);
        assert!(!board.is_waiting(now + HOLDS), "nobody lives to renew it");
        board.forget("ORDERS");
        assert!(board.hear(entry("a", 1), now + HOLDS).is_some());
    }
}
