//! Runs a lane on the spot when it ends there: most attempts wait for nothing, and a task would cost more than they do.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::task::coop;

/// A lane that runs longer than this before it ends or waits keeps its thread from the other partitions on it.
const LONG: Duration = Duration::from_micros(100);

/// How many lanes after a long one get their tasks at once, which take turns with everything else on the thread.
const SPELL: u32 = 100;

/// Decides which lanes of a partition are run on the spot.
#[derive(Debug, Default)]
pub(super) struct Sprint {
    /// How many of the next lanes are not.
    suspended: u32,
}

impl Sprint {
    /// Polls the lane, or does not. One that is pending is to be polled by a task: nobody wakes it otherwise.
    pub(super) fn poll(&mut self, lane: Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
        if self.suspended > 0 {
            self.suspended -= 1;
            return Poll::Pending;
        }
        // An actix mailbox is emptied without a pause; this is what makes it pause.
        if !coop::has_budget_remaining() {
            return Poll::Pending;
        }
        let began = Instant::now();
        let polled = lane.poll(&mut Context::from_waker(Waker::noop()));
        if began.elapsed() > LONG {
            self.suspended = SPELL;
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_lane_that_waits_for_nothing_ends_on_the_spot() {
        assert!(Sprint::default().poll(pin!(async {})).is_ready());
        assert!(Sprint::default().poll(pin!(tokio::task::yield_now())).is_pending());
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "what is tested is a lane that keeps its thread")]
    async fn after_a_long_one_some_get_their_tasks_at_once() {
        let mut sprint = Sprint::default();

        assert!(sprint.poll(pin!(async { std::thread::sleep(LONG * 2) })).is_ready());

        let spell = (0..SPELL).filter(|_| sprint.poll(pin!(async {})).is_pending()).count();
        assert_eq!(spell, SPELL as usize);
        assert!(sprint.poll(pin!(async {})).is_ready());
    }

    #[tokio::test]
    async fn pauses_when_the_task_has_run_for_its_time() {
        while coop::has_budget_remaining() {
            let consumed = pin!(coop::consume_budget()).poll(&mut Context::from_waker(Waker::noop()));
            assert!(consumed.is_ready());
        }

        assert!(Sprint::default().poll(pin!(async {})).is_pending());
    }
}
