//! A bound on how long a future may take, at no cost for one that takes no time.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep_until};

/// Runs `future` until `deadline`; `None` when it takes longer. Unlike tokio's `timeout_at`, makes a timer only when the
/// future has to wait for something.
pub(super) async fn by<F: Future>(deadline: Instant, future: F) -> Option<F::Output> {
    let (mut future, mut timer) = (pin!(future), pin!(None));
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if timer.is_none() {
            // What always uses up the budget of its task must not keep the timer from its turn.
            timer.set(Some(unconstrained(sleep_until(deadline))));
        }
        let timer = timer.as_mut().as_pin_mut().expect("it was made");
        timer.poll(cx).map(|()| None)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::yield_now;
    use tokio::time::{sleep, timeout};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn what_is_done_in_time_is_done() {
        let deadline = Instant::now() + SECOND;

        assert_eq!(by(deadline, async { 1 }).await, Some(1));
        assert_eq!(by(deadline, async { sleep(SECOND / 2).await }).await, Some(()));
        // It was late to begin with, but waits for nothing.
        assert_eq!(by(deadline - SECOND * 2, async { 2 }).await, Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_longer_is_cut_off() {
        let began = Instant::now();

        assert_eq!(by(began + SECOND, sleep(SECOND * 2)).await, None);
        assert_eq!(began.elapsed(), SECOND);
    }

    #[tokio::test]
    async fn what_never_rests_is_cut_off() {
        let busy = async {
            loop {
                tokio::task::coop::consume_budget().await;
            }
        };
        let yielding = async {
            loop {
                yield_now().await;
            }
        };

        // In a task of its own: what is not cut off must not keep this one from saying so.
        let soon = Instant::now() + SECOND / 50;
        let ended = tokio::spawn(async move { (by(soon, busy).await, by(soon, yielding).await) });
        let ended = timeout(SECOND * 30, ended).await.expect("both are cut off").expect("no panic");

        assert_eq!(ended, (None::<()>, None::<()>));
    }
}
