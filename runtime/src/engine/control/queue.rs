//! Attempts that wait until they may begin, and the one that may.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

/// The attempts of one actor that wait in this instance. As many as there are messages in hand, and so bounded.
#[derive(Debug, Default)]
pub(super) struct Queue {
    places: Mutex<Places>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Places {
    /// Those that failed least often come first, and of these the one that waits longest: a message that can never
    /// succeed does not keep the others from being tried.
    waiting: BTreeMap<(u32, u64), oneshot::Sender<Probe>>,
    last: u64,
}

/// The place of one attempt, given up when it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    queue: &'a Queue,
    at: (u32, u64),
    granted: oneshot::Receiver<Probe>,
}

/// The right to make one attempt, to be told how it ended.
#[derive(Debug)]
pub(crate) struct Probe(oneshot::Sender<Probed>);

/// How a probe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probed {
    /// The message is done.
    Good,
    /// It is not.
    Bad,
}

impl Queue {
    /// Takes a place for a message whose probes have failed so often.
    pub(super) fn enter(&self, failed: u32) -> Place<'_> {
        let (sender, granted) = oneshot::channel();
        let mut places = self.lock();
        places.last += 1;
        let at = (failed, places.last);
        places.waiting.insert(at, sender);
        drop(places);
        self.arrived.notify_one();
        Place { queue: self, at, granted }
    }

    /// Lets one begin that was not probed yet; returns how it is going to end, `None` if there is none.
    pub(super) fn probe_fresh(&self) -> Option<oneshot::Receiver<Probed>> {
        self.probe_one(|(failed, _)| failed == 0)
    }

    /// Lets the first one begin.
    pub(super) fn probe_any(&self) -> Option<oneshot::Receiver<Probed>> {
        self.probe_one(|_| true)
    }

    fn probe_one(&self, is_fit: impl Fn((u32, u64)) -> bool) -> Option<oneshot::Receiver<Probed>> {
        loop {
            let mut places = self.lock();
            let at = *places.waiting.first_key_value()?.0;
            if !is_fit(at) {
                return None;
            }
            let (_, sender) = places.waiting.pop_first()?;
            drop(places);
            let (report, ended) = oneshot::channel();
            if sender.send(Probe(report)).is_ok() {
                return Some(ended);
            }
        }
    }

    /// Waits until one takes a place; one that has since the last call counts.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Waits for the right to begin.
    ///
    /// # Cancel safety
    /// A right that was given and not taken is void.
    pub(super) async fn granted(&mut self) -> Probe {
        match (&mut self.granted).await {
            Ok(probe) => probe,
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.lock().waiting.remove(&self.at);
    }
}

impl Probe {
    /// Tells how it ended. One that is dropped instead says nothing of the actor: it was interrupted.
    pub(super) fn end(self, probed: Probed) {
        // Who probed may have ended meanwhile.
        self.0.send(probed).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_that_failed_least_often_come_first_and_then_the_oldest() {
        let queue = Queue::default();
        let mut failed = queue.enter(2);
        let mut older = queue.enter(0);
        let mut newer = queue.enter(0);

        let fresh = [queue.probe_fresh(), queue.probe_fresh(), queue.probe_fresh()].map(|one| one.is_some());
        assert_eq!(fresh, [true, true, false]);
        drop((older.granted().await, newer.granted().await));

        let ended = queue.probe_any().expect("one waits");
        failed.granted().await.end(Probed::Bad);
        assert_eq!(ended.await, Ok(Probed::Bad));
    }

    #[tokio::test]
    async fn a_place_that_was_given_up_is_passed_over_and_a_dropped_right_is_void() {
        let queue = Queue::default();
        let gone = queue.enter(0);
        let mut stays = queue.enter(0);
        drop(gone);

        let ended = queue.probe_fresh().expect("one waits");
        drop(stays.granted().await);

        assert!(ended.await.is_err());
        assert!(queue.probe_any().is_none());
    }
}
