//! What is known of the flow of all streams: what was announced, by whomever, and whether that still holds.

use std::collections::BTreeMap;

use tokio::sync::watch;
use tokio::time::Instant;

use super::depth::Depth;
use crate::message::{Flow, FlowState};
use crate::port::FlowWatch;

/// The last word on every stream.
#[derive(Debug, Default)]
pub(crate) struct Board {
    entries: BTreeMap<String, Entry>,
    /// What this instance has read itself, by stream.
    depths: BTreeMap<String, Vec<Depth>>,
}

#[derive(Debug)]
struct Entry {
    flow: Flow,
    arrived: Instant,
}

impl Board {
    /// Takes in what was announced; returns whether that says anything. What was seen before is no sign of life, and of
    /// one instance the later word counts, in whatever order they arrive.
    pub(crate) fn see(&mut self, flow: Flow, now: Instant) -> bool {
        if let Some(known) = self.entries.get(&flow.stream) {
            let is_of_same = known.flow.instance == flow.instance;
            if known.flow == flow || is_of_same && flow.written < known.flow.written {
                return false;
            }
        }
        self.entries.insert(flow.stream.clone(), Entry { flow, arrived: now });
        true
    }

    /// The flow of a stream, and until when that holds; `None` when nobody has said anything lately.
    pub(crate) fn holding(&self, stream: &str, now: Instant) -> Option<(&Flow, Instant)> {
        let Entry { flow, arrived } = self.entries.get(stream)?;
        let until = *arrived + flow.holds();
        (now < until && flow.state != FlowState::Unknown).then_some((flow, until))
    }

    /// All flows that hold.
    pub(crate) fn all_holding(&self, now: Instant) -> Vec<Flow> {
        let holding = self.entries.keys().filter_map(|stream| self.holding(stream, now));
        holding.map(|(flow, _)| flow.clone()).collect()
    }

    /// Takes in what waits in a stream that this instance reckons, or that it does not do so any more.
    pub(super) fn measure(&mut self, stream: &str, depths: Option<Vec<Depth>>) {
        match depths {
            Some(depths) => self.depths.insert(stream.to_owned(), depths),
            None => self.depths.remove(stream),
        };
    }

    /// What waits in the streams that this instance reckons.
    pub(crate) fn depths(&self) -> impl Iterator<Item = (&str, &Depth)> {
        self.depths
            .iter()
            .flat_map(|(stream, depths)| depths.iter().map(move |depth| (stream.as_str(), depth)))
    }
}

/// Takes in whatever is announced, without an end.
pub(super) async fn keep(board: watch::Sender<Board>, mut flows: Box<dyn FlowWatch>) {
    loop {
        let flow = flows.next().await;
        board.send_if_modified(|board| board.see(flow, Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn flow(instance: &str, written: u64, state: FlowState) -> Flow {
        Flow {
            stream: "S".to_owned(),
            subjects: Vec::new(),
            state,
            since: SystemTime::UNIX_EPOCH,
            rate: None,
            stored: 0.0,
            done: 0.0,
            pressure: None,
            full_in: None,
            holds: 5000,
            instance: instance.to_owned(),
            written: SystemTime::UNIX_EPOCH + Duration::from_secs(written),
        }
    }

    fn state(board: &Board, now: Instant) -> Option<FlowState> {
        board.holding("S", now).map(|(flow, _)| flow.state)
    }

    #[test]
    fn an_entry_that_nobody_renews_says_nothing() {
        let (mut board, start) = (Board::default(), Instant::now());
        board.see(flow("a", 1, FlowState::Stop), start);

        assert_eq!(state(&board, start + Duration::from_millis(4999)), Some(FlowState::Stop));
        assert_eq!(state(&board, start + Duration::from_secs(5)), None);
        assert!(board.all_holding(start + Duration::from_secs(5)).is_empty());
    }

    #[test]
    fn the_same_entry_seen_again_is_no_sign_of_life() {
        let (mut board, start) = (Board::default(), Instant::now());
        board.see(flow("a", 1, FlowState::Stop), start);

        let is_news = board.see(flow("a", 1, FlowState::Stop), start + Duration::from_secs(4));

        assert!(!is_news);
        assert_eq!(state(&board, start + Duration::from_secs(6)), None);
    }

    #[test]
    fn what_an_instance_said_before_does_not_replace_what_it_said_after() {
        let (mut board, start) = (Board::default(), Instant::now());
        board.see(flow("a", 2, FlowState::Open), start);

        board.see(flow("a", 1, FlowState::Stop), start);
        assert_eq!(state(&board, start), Some(FlowState::Open));
        board.see(flow("b", 1, FlowState::Slow), start);
        assert_eq!(state(&board, start), Some(FlowState::Slow), "clocks of two instances say nothing");
    }

    #[test]
    fn a_state_of_a_later_version_says_nothing() {
        let (mut board, start) = (Board::default(), Instant::now());

        board.see(flow("a", 1, FlowState::Unknown), start);

        assert_eq!(state(&board, start), None);
    }
}
