//! What the client tells about the connection between calls: whether it stands, and what the server refused.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_nats::{Event, ServerError};
use tidegate_producer::Denials;
use tokio::sync::watch;
use tracing::{debug, error, info, warn};

/// How many refusals are remembered.
const REMEMBERED: usize = 64;

/// The state of the connection, for who must know that it was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Link {
    /// Whether it stands.
    pub is_up: bool,
    /// How often it came up, from 1; another number than before means that messages on their way may be lost.
    pub connects: u64,
    /// How often the client dropped messages because a subscription's channel was full.
    pub overflows: u64,
}

/// What the server refused, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// When it told.
    pub at: Instant,
    /// Its words, such as ``Permissions Violation for Publish to "orders.7.placed"``.
    pub text: Box<str>,
}

/// Takes the client's events and keeps what callers ask for.
#[derive(Debug, Clone)]
pub(super) struct Watcher {
    link: watch::Sender<Link>,
    refusals: Arc<Mutex<VecDeque<Refusal>>>,
    failure: Arc<Mutex<Option<String>>>,
    denials: Denials,
}

impl Watcher {
    pub(super) fn new() -> Self {
        let link = watch::Sender::new(Link::default());
        Self { link, refusals: Arc::default(), failure: Arc::default(), denials: Denials::default() }
    }

    /// The state of the connection and its changes; the latest state is never lost.
    pub(super) fn link(&self) -> watch::Receiver<Link> {
        self.link.subscribe()
    }

    /// The last refusal within `age` that names `subject`, or the last of all if `subject` is `None`.
    pub(super) fn refusal(&self, subject: Option<&str>, age: Duration) -> Option<Refusal> {
        let quoted = subject.map(|subject| format!("\"{}\"", subject.to_lowercase()));
        let refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals
            .iter()
            .rev()
            .take_while(|refusal| refusal.at.elapsed() <= age)
            .find(|refusal| quoted.as_ref().is_none_or(|quoted| refusal.text.to_lowercase().contains(quoted)))
            .cloned()
    }

    /// Where producers over this connection hear of denied publishes.
    pub(super) fn denials(&self) -> &Denials {
        &self.denials
    }

    pub(super) fn observe(&self, event: &Event) {
        self.denials.hear(event);
        match event {
            Event::Connected => {
                self.link.send_modify(|link| {
                    link.is_up = true;
                    link.connects += 1;
                });
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
                info!("connected to nats");
            }
            Event::Disconnected => {
                self.link.send_modify(|link| link.is_up = false);
                warn!("nats connection lost");
            }
            Event::Closed => {
                self.link.send_modify(|link| link.is_up = false);
                info!("nats connection closed");
            }
            Event::LameDuckMode => info!("the nats server is about to stop"),
            Event::Draining => debug!("nats connection draining"),
            Event::SlowConsumer(subscription) => {
                self.link.send_modify(|link| link.overflows += 1);
                error!(subscription, "a subscription is full, the client dropped messages");
            }
            Event::ServerError(refused) => self.refuse(refused),
            Event::ClientError(failure) => self.fail(failure.to_string()),
        }
    }

    /// Tells of a failure once, however many attempts to reconnect end with it.
    fn fail(&self, failure: String) {
        let mut known = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref() != Some(&failure) {
            warn!(error = failure, "no connection to nats, trying again");
            *known = Some(failure);
        }
    }

    fn refuse(&self, refused: &ServerError) {
        let text = match refused {
            ServerError::AuthorizationViolation => "Authorization Violation".into(),
            ServerError::SlowConsumer(_) => "Slow Consumer".into(),
            ServerError::Other(text) => text.as_str().into(),
        };
        error!(refused = %text, "the nats server refused");

        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.len() == REMEMBERED {
            refusals.pop_front();
        }
        refusals.push_back(Refusal { at: Instant::now(), text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(subject: &str) -> Event {
        let text = format!("Permissions Violation for Publish to \"{subject}\"");
        Event::ServerError(ServerError::Other(text))
    }

    #[test]
    fn counts_how_often_the_connection_came_up() {
        let watcher = Watcher::new();
        let link = watcher.link();

        for event in [Event::Connected, Event::Disconnected, Event::Connected, Event::SlowConsumer(1)] {
            watcher.observe(&event);
        }

        assert_eq!(*link.borrow(), Link { is_up: true, connects: 2, overflows: 1 });
    }

    #[test]
    fn finds_the_refusal_that_names_the_subject() {
        let watcher = Watcher::new();
        watcher.observe(&denied("orders.1"));
        watcher.observe(&denied("orders.12"));

        let minute = Duration::from_mins(1);
        let text = |subject| watcher.refusal(subject, minute).map(|refusal| refusal.text);

        assert!(text(Some("orders.1")).is_some_and(|text| text.contains("\"orders.1\"")));
        assert!(text(None).is_some_and(|text| text.contains("\"orders.12\"")));
        assert!(text(Some("orders.2")).is_none());
    }

    #[test]
    fn remembers_a_bounded_number_of_refusals() {
        let watcher = Watcher::new();

        for number in 0..=REMEMBERED {
            watcher.observe(&denied(&format!("orders.{number}")));
        }

        assert!(watcher.refusal(Some("orders.0"), Duration::from_mins(1)).is_none());
        assert!(watcher.refusal(Some("orders.1"), Duration::from_mins(1)).is_some());
    }
}
