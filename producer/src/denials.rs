//! What the server does not let us publish: a denied publish has no answer, and only the client's events tell.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_nats::{ConnectOptions, ServerError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// How many denials are remembered. They are of use for the few seconds in which somebody waits for a PubAck.
const REMEMBERED: usize = 64;

/// Hears of denied publishes, so that they are told as [`PublishError::Unauthorised`](crate::PublishError::Unauthorised)
/// and at once, not as an unknown outcome after a timeout.
///
/// async-nats takes one event callback when a client connects, so this must be there before the client is:
///
/// ```no_run
/// use async_nats::ConnectOptions;
/// use tidegate_producer::{Denials, Producer};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let denials = Denials::default();
/// let client = denials.listen(ConnectOptions::new()).connect("nats://127.0.0.1:4222").await?;
/// let producer = Producer::builder(client).denials(&denials).connect().await?;
/// # Ok(())
/// # }
/// ```
///
/// A service that has an event callback of its own calls [`Denials::hear`] in it.
#[derive(Clone, Default)]
pub struct Denials(Arc<Heard>);

#[derive(Default)]
struct Heard {
    latest: Mutex<VecDeque<Denial>>,
    news: Notify,
}

struct Denial {
    at: Instant,
    text: String,
    /// In lower case: some servers and clients fold what they say, subjects included.
    folded: String,
}

impl Denials {
    /// Sets the event callback of `options` to one that hears of denials and does nothing else.
    #[must_use]
    pub fn listen(&self, options: ConnectOptions) -> ConnectOptions {
        let denials = self.clone();
        options.event_callback(move |event| {
            let denials = denials.clone();
            async move { denials.hear(&event) }
        })
    }

    /// Takes note if `event` is a denied publish; for event callbacks.
    pub fn hear(&self, event: &async_nats::Event) {
        if let async_nats::Event::ServerError(ServerError::Other(text)) = event {
            self.note(text);
        }
    }

    /// Takes note if what the server said is about a denied publish; for those who have only the text.
    pub fn note(&self, text: &str) {
        if !text.to_ascii_lowercase().contains("permissions violation for publish") {
            return;
        }
        let mut latest = self.0.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.truncate(REMEMBERED - 1);
        latest.push_front(Denial { at: Instant::now(), folded: text.to_lowercase(), text: text.to_owned() });
        drop(latest);
        self.0.news.notify_waiters();
    }

    /// What the server said if it denied a publish to `subject` since then.
    pub(crate) fn about(&self, subject: &str, since: Instant) -> Option<String> {
        let quoted = format!("\"{}\"", subject.to_lowercase());
        let latest = self.0.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let mut recent = latest.iter().take_while(|denial| denial.at >= since);
        recent.find(|denial| denial.folded.contains(&quoted)).map(|denial| denial.text.clone())
    }

    /// What the server said of `subject` since then, as soon as it says it.
    ///
    /// # Cancel safety
    /// A cancelled wait loses nothing.
    pub(crate) async fn until_about(&self, subject: &str, since: Instant) -> String {
        loop {
            let mut news = std::pin::pin!(self.0.news.notified());
            news.as_mut().enable();
            if let Some(text) = self.about(subject, since) {
                return text;
            }
            news.await;
        }
    }
}

impl fmt::Debug for Denials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Denials").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(subject: &str) -> async_nats::Event {
        let text = format!("Permissions Violation for Publish to \"{subject}\"");
        async_nats::Event::ServerError(ServerError::Other(text))
    }

    #[tokio::test(start_paused = true)]
    async fn tells_of_its_subject_and_not_of_the_past() {
        let denials = Denials::default();
        let before = Instant::now();

        denials.hear(&violation("orders.1.placed"));
        denials.hear(&async_nats::Event::Connected);
        tokio::time::advance(std::time::Duration::from_secs(1)).await;

        assert!(denials.about("orders.1.placed", before).is_some());
        assert_eq!(denials.about("orders.1", before), None);
        assert_eq!(denials.about("orders.1.placed", Instant::now()), None);
    }

    #[tokio::test]
    async fn wakes_who_waits() {
        let denials = Denials::default();
        let before = Instant::now();

        let (text, ()) = tokio::join!(denials.until_about("orders.1", before), async {
            denials.hear(&violation("orders.2"));
            denials.hear(&violation("orders.1"));
        });

        assert!(text.contains("orders.1"), "{text}");
    }

    #[test]
    fn remembers_a_bounded_number() {
        let denials = Denials::default();

        for number in 0..1000 {
            denials.hear(&violation(&format!("orders.{number}")));
        }

        assert_eq!(denials.0.latest.lock().expect("no panic").len(), REMEMBERED);
    }
}
