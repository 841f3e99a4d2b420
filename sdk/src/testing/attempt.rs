//! One attempt, in which panics and timeouts are failures.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Instant;

use super::{Cause, Failure};
use crate::erased::{Applied, Attempting};

/// Runs an attempt until it ends, panics, or `deadline` comes.
pub(super) async fn run(mut attempting: Attempting<'_>, deadline: Instant) -> Result<Applied, Failure> {
    let mut alarm = None;
    poll_fn(move |cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| attempting.as_mut().poll(cx)));
        match polled {
            Ok(Poll::Ready(result)) => Poll::Ready(result.map_err(Failure::from)),
            Ok(Poll::Pending) => {
                let alarm = alarm.get_or_insert_with(|| set_alarm(deadline));
                let rang = alarm.send(cx.waker().clone()).is_err();
                if rang || Instant::now() >= deadline { Poll::Ready(Err(timed_out())) } else { Poll::Pending }
            }
            Err(panic) => Poll::Ready(Err(Failure::new(Cause::Panic, panic_message(panic.as_ref())))),
        }
    })
    .await
}

/// Wakes the last waker it was sent when `deadline` comes; dropping the sender calls it off.
///
/// A thread of its own, because the executor of the test, and so its timer, is not ours to choose.
fn set_alarm(deadline: Instant) -> mpsc::Sender<Waker> {
    let (sender, wakers) = mpsc::channel::<Waker>();
    thread::spawn(move || {
        let mut last = Waker::noop().clone();
        loop {
            match wakers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(waker) => last = waker,
                Err(RecvTimeoutError::Timeout) => return last.wake(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    });
    sender
}

fn timed_out() -> Failure {
    Failure::new(Cause::Timeout, "the handler took longer than the timeout")
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let message = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    message.unwrap_or("the handler panicked").to_owned()
}
