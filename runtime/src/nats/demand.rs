//! What was asked of the broker and has not arrived, and what to ask next.

use std::time::Duration;

use tokio::time::Instant;

use crate::port::Room;

/// The most messages asked for at any time: enough to keep the server busy while a request travels.
const DEPTH: usize = 1024;
/// The most messages in one request.
const BATCH: usize = 512;
/// The most bytes in one request, however large the room.
const MAX_BYTES: usize = 1 << 30;
/// Requests for fewer messages than this wait for each other.
const SMALL: usize = 32;
/// How long small requests wait for each other.
const LINGER: Duration = Duration::from_millis(1);
/// The first and the longest wait after a message did not fit into what a request allowed.
const BACKOFF: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];

/// The sum of all open pull requests.
///
/// The server serves open requests in turn and tells of one only when it ends early, so what is open is known in sum,
/// not request by request: messages exactly, bytes as an upper bound that becomes exact when nothing is open.
#[derive(Debug)]
pub(super) struct Demand {
    messages: usize,
    bytes: usize,
    /// The running average of a message's size, by which requests for many messages are given few bytes.
    average: usize,
    asked: Option<Instant>,
    /// How many requests in a row ended because a message did not fit.
    misfits: u32,
}

/// A pull request to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request {
    /// How many messages.
    pub(super) batch: usize,
    /// How many bytes at most.
    pub(super) max_bytes: usize,
}

/// What to do about room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Enough is asked for.
    Enough,
    /// Ask for this.
    Ask(Request),
    /// Look again then.
    At(Instant),
}

impl Demand {
    pub(super) fn new() -> Self {
        Self { messages: 0, bytes: 0, average: 1024, asked: None, misfits: 0 }
    }

    /// Whether anything is open.
    pub(super) fn is_open(&self) -> bool {
        self.messages > 0
    }

    /// What to ask for, given what there is room for and how large a message can be.
    ///
    /// Asks only when half of it has arrived, so that requests stay large and few. A request that the largest message
    /// would not fit into is never made: the message would block it.
    pub(super) fn wish(&self, room: Room, largest: usize, now: Instant) -> Wish {
        let target = room.messages.min(DEPTH);
        let batch = target.saturating_sub(self.messages).min(BATCH);
        let free = room.bytes.saturating_sub(self.bytes).min(MAX_BYTES);
        if batch == 0 || self.messages > target / 2 || free < largest {
            return Wish::Enough;
        }
        match self.not_before(batch) {
            Some(earliest) if now < earliest => Wish::At(earliest),
            _ => Wish::Ask(Request { batch, max_bytes: self.allowance(batch, largest, free) }),
        }
    }

    /// Counts a request that was made.
    pub(super) fn asked(&mut self, request: Request, now: Instant) {
        self.messages += request.batch;
        self.bytes += request.max_bytes;
        self.asked = Some(now);
    }

    /// Counts a message that arrived.
    pub(super) fn arrived(&mut self, bytes: usize) {
        self.misfits = 0;
        self.average = (self.average * 7 + bytes) / 8;
        self.release(1, bytes);
    }

    /// Counts a request that ended with so much of it open.
    pub(super) fn ended(&mut self, messages: usize, bytes: usize) {
        self.release(messages, bytes);
    }

    /// Counts a request that ended with so much of it open, because the next message did not fit into it.
    pub(super) fn misfit(&mut self, messages: usize, bytes: usize) {
        self.misfits = self.misfits.saturating_add(1);
        self.release(messages, bytes);
    }

    fn release(&mut self, messages: usize, bytes: usize) {
        self.messages = self.messages.saturating_sub(messages);
        self.bytes = if self.is_open() { self.bytes.saturating_sub(bytes) } else { 0 };
    }

    fn not_before(&self, batch: usize) -> Option<Instant> {
        let wait = match self.misfits {
            0 if batch < SMALL => LINGER,
            0 | 1 => return None,
            misfits => BACKOFF[1].min(BACKOFF[0] * (1 << misfits.min(8))),
        };
        self.asked.map(|asked| asked + wait)
    }

    fn allowance(&self, batch: usize, largest: usize, free: usize) -> usize {
        match self.misfits {
            0 => (batch * self.average * 2).clamp(largest, free),
            _ => free,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: usize = 1 << 20;
    const ROOM: Room = Room { messages: 10_000, bytes: 64 << 20 };

    fn asked(demand: &mut Demand, room: Room, now: Instant) -> Option<Request> {
        match demand.wish(room, LARGEST, now) {
            Wish::Ask(request) => {
                demand.asked(request, now);
                Some(request)
            }
            Wish::Enough | Wish::At(_) => None,
        }
    }

    #[test]
    fn asks_again_when_half_has_arrived() {
        let mut demand = Demand::new();
        let now = Instant::now();
        while asked(&mut demand, ROOM, now).is_some() {}
        assert_eq!(demand.messages, DEPTH);

        for _ in 0..DEPTH / 2 - 1 {
            demand.arrived(100);
        }
        assert_eq!(demand.wish(ROOM, LARGEST, now), Wish::Enough);

        demand.arrived(100);
        assert_eq!(asked(&mut demand, ROOM, now).map(|request| request.batch), Some(512));
    }

    #[test]
    fn never_asks_beyond_the_room() {
        let mut demand = Demand::new();
        let now = Instant::now();
        let room = Room { messages: 7, bytes: 3 * LARGEST / 2 };

        let request = asked(&mut demand, room, now).expect("a request");

        assert_eq!(request, Request { batch: 7, max_bytes: LARGEST });
        assert_eq!(asked(&mut demand, room, now), None);
        assert_eq!(demand.wish(Room { messages: 0, ..room }, LARGEST, now), Wish::Enough);
    }

    #[test]
    fn asks_nothing_that_the_largest_message_would_block() {
        let room = Room { messages: 100, bytes: LARGEST - 1 };

        assert_eq!(Demand::new().wish(room, LARGEST, Instant::now()), Wish::Enough);
    }

    #[test]
    fn boundless_room_makes_a_request_that_the_server_takes() {
        let mut demand = Demand::new();
        let now = Instant::now();
        let boundless = Room { messages: usize::MAX, bytes: usize::MAX };
        demand.misfit(0, 0);

        let request = asked(&mut demand, boundless, now).expect("a request");

        assert_eq!(request, Request { batch: BATCH, max_bytes: MAX_BYTES });
    }

    #[test]
    fn small_requests_wait_for_each_other() {
        let mut demand = Demand::new();
        let now = Instant::now();
        let one = Room { messages: 1, ..ROOM };
        asked(&mut demand, one, now).expect("the first goes at once");
        demand.arrived(100);

        assert_eq!(demand.wish(one, LARGEST, now), Wish::At(now + LINGER));
        assert!(asked(&mut demand, one, now + LINGER).is_some());
    }

    #[test]
    fn bytes_are_free_when_nothing_is_open() {
        let mut demand = Demand::new();
        let now = Instant::now();
        let room = Room { messages: 2, bytes: LARGEST };
        asked(&mut demand, room, now).expect("a request");

        demand.arrived(100);
        assert_eq!(demand.wish(room, LARGEST, now + LINGER), Wish::Enough);
        demand.ended(1, LARGEST - 100);

        assert!(asked(&mut demand, room, now + LINGER).is_some());
    }

    #[test]
    fn allows_more_and_slows_down_when_a_message_does_not_fit() {
        let mut demand = Demand::new();
        let start = Instant::now();
        let first = asked(&mut demand, ROOM, start).expect("a request");
        let open = (demand.messages, demand.bytes);
        assert!(first.max_bytes < ROOM.bytes);

        demand.misfit(open.0, open.1);
        assert_eq!(asked(&mut demand, ROOM, start).map(|request| request.max_bytes), Some(ROOM.bytes));
        demand.misfit(demand.messages, demand.bytes);

        assert!(matches!(demand.wish(ROOM, LARGEST, start), Wish::At(later) if later > start));
        demand.misfits = u32::MAX;
        assert!(matches!(demand.wish(ROOM, LARGEST, start), Wish::At(later) if later <= start + BACKOFF[1]));
    }
}
