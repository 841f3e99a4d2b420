//! Runs a lane on the spot when it ends there: most attempts wait for nothing, and a task would cost more than they do.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::task::coop;

use super::delivery::Delivery;
use super::lane;
use super::partition::Desk;
use super::slot::Slot;

/// A lane that runs longer than this before it ends or waits keeps its thread from the other partitions on it.
const LONG: Duration = Duration::from_micros(100);

/// How many lanes after a long one get their tasks at once, which take turns with everything else on the thread.
const SPELL: u32 = 100;

/// A lane that is to be polled by a task.
pub(super) type Waiting = Pin<Box<dyn Future<Output = ()>>>;

/// Runs a partition's lanes on the spot, or does not.
#[derive(Debug)]
pub(super) struct Sprint {
    /// How many of the next lanes are not.
    suspended: u32,
    /// When the last lane ended or began to wait.
    mark: Instant,
    runner: Option<Runner>,
}

/// Runs lane after lane, in one allocation.
struct Runner {
    future: Waiting,
    relay: Rc<Relay>,
}

/// What a runner is given, and what it tells.
#[derive(Debug, Default)]
struct Relay {
    next: RefCell<Option<(Delivery, Slot)>>,
    /// Whether it waits for its next lane.
    is_free: Cell<bool>,
    /// Whether there will be none.
    is_last: Cell<bool>,
}

impl Sprint {
    pub(super) fn new() -> Self {
        Self { suspended: 0, mark: Instant::now(), runner: None }
    }

    /// Says that the next lane begins now, and those after it when the one before has ended.
    pub(super) fn begin(&mut self) {
        self.mark = Instant::now();
    }

    /// Runs the lane that begins with `delivery`. One that does not end on the spot is returned, for a task: nobody
    /// wakes it otherwise.
    pub(super) fn run(&mut self, desk: &Rc<Desk>, delivery: Delivery, slot: Slot) -> Option<Waiting> {
        let mut runner = self.runner.take().unwrap_or_else(|| Runner::new(Rc::clone(desk)));
        runner.relay.give(delivery, slot);
        if self.poll(runner.future.as_mut()).is_pending() && runner.relay.is_free.get() {
            self.runner = Some(runner);
            return None;
        }
        runner.relay.is_last.set(true);
        Some(runner.future)
    }

    /// Polls, or does not.
    fn poll(&mut self, lane: Pin<&mut (impl Future<Output = ()> + ?Sized)>) -> Poll<()> {
        if self.suspended > 0 {
            self.suspended -= 1;
            return Poll::Pending;
        }
        // An actix mailbox is emptied without a pause; this is what makes it pause.
        if !coop::has_budget_remaining() {
            return Poll::Pending;
        }
        let polled = lane.poll(&mut Context::from_waker(Waker::noop()));
        let began = std::mem::replace(&mut self.mark, Instant::now());
        if self.mark - began > LONG {
            self.suspended = SPELL;
        }
        polled
    }
}

impl Runner {
    fn new(desk: Rc<Desk>) -> Self {
        let relay = Rc::<Relay>::default();
        let given = Rc::clone(&relay);
        let future = Box::pin(async move {
            while let Some((delivery, slot)) = given.next().await {
                lane::run(&desk, delivery, slot).await;
            }
        });
        Self { future, relay }
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("relay", &self.relay).finish_non_exhaustive()
    }
}

impl Relay {
    fn give(&self, delivery: Delivery, slot: Slot) {
        self.is_free.set(false);
        self.next.replace(Some((delivery, slot)));
    }

    async fn next(&self) -> Option<(Delivery, Slot)> {
        poll_fn(|_| match self.next.take() {
            None if !self.is_last.get() => {
                self.is_free.set(true);
                Poll::Pending
            }
            next => Poll::Ready(next),
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_lane_that_waits_for_nothing_ends_on_the_spot() {
        assert!(Sprint::new().poll(pin!(async {})).is_ready());
        assert!(Sprint::new().poll(pin!(tokio::task::yield_now())).is_pending());
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "what is tested is a lane that keeps its thread")]
    async fn after_a_long_one_some_get_their_tasks_at_once() {
        let mut sprint = Sprint::new();

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

        assert!(Sprint::new().poll(pin!(async {})).is_pending());
    }
}
