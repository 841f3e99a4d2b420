//! A message that nobody will try again, with all that is known about why.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use tidegate::{Headers, Message};

use super::{Failure, timestamp};

/// What the name of a header of ours starts with.
const OURS: &str = "Tidegate-";
/// Put before the name of an original header that the server would act upon.
const ORIGINAL: &str = "Tidegate-Original-";
/// The longest error text that goes into a header, in bytes.
const MAX_ERROR: usize = 4096;
/// The longest history that goes into a header, in bytes of JSON.
const MAX_HISTORY: usize = 8192;

/// Why a message is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// Every try failed.
    Failed,
    /// The handler said that no retry can cure it.
    Terminal,
    /// The payload is not what the handler takes.
    Undecodable,
    /// It has no key, and the actor's policy is to dead-letter such messages.
    Keyless,
    /// The server gave up delivering it: nobody lived to report on it.
    Exhausted,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 5] =
        [Self::Failed, Self::Terminal, Self::Undecodable, Self::Keyless, Self::Exhausted];

    /// The reason's name in headers, listings and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Terminal => "terminal",
            Self::Undecodable => "undecodable",
            Self::Keyless => "keyless",
            Self::Exhausted => "exhausted",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A dead message and its history.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// The message, unchanged.
    pub message: Arc<Message>,
    /// The actor that could not handle it.
    pub actor: Arc<str>,
    /// Why it is dead.
    pub reason: Reason,
    /// How often it was tried, as far as is known.
    pub attempts: u32,
    /// The failed attempts, as far as they are known; the latest are kept when they do not all fit into a header.
    pub failures: Vec<Failure>,
    /// When it was given up.
    pub died: SystemTime,
    /// The trace it belongs to, if it was sampled.
    pub trace_id: Option<String>,
}

impl DeadLetter {
    /// The `Nats-Msg-Id`: the same whoever writes the dead letter, so that it is stored once.
    pub fn id(&self) -> String {
        format!("{}:{}:{}:dead", self.message.stream, self.message.sequence, self.actor)
    }

    /// The message's own headers and those that describe its end.
    ///
    /// Original `Nats-*` headers would be taken for commands on the way into the dead-letter stream, so their names
    /// get a prefix; [`original_headers`] takes it off again.
    pub fn headers(&self) -> Headers {
        let mut headers = self.brief_headers();
        headers.append(format!("{OURS}Error"), one_line(&self.error()));
        headers.append(format!("{OURS}History"), self.history());
        headers
    }

    /// The same without the error and the history, for a message so large that they do not fit beside it.
    pub fn brief_headers(&self) -> Headers {
        let mut headers: Headers = self
            .message
            .headers
            .iter()
            .map(|(name, value)| match is_ours_or_the_servers(name) {
                true => (format!("{ORIGINAL}{name}"), value.to_owned()),
                false => (name.to_owned(), value.to_owned()),
            })
            .collect();
        let mut describe =
            |name: &str, value: String| headers.append(format!("{OURS}{name}"), one_line(&value));
        describe("Actor", self.actor.to_string());
        describe("Reason", self.reason.to_string());
        describe("Stream", self.message.stream.to_string());
        describe("Subject", self.message.subject.to_string());
        describe("Sequence", self.message.sequence.to_string());
        describe("Key", self.message.key.to_string());
        describe("Published", timestamp::format(self.message.published));
        describe("Attempts", self.attempts.to_string());
        describe(
            "First-Failed",
            timestamp::format(self.failures.first().map_or(self.died, |first| first.started)),
        );
        describe("Died", timestamp::format(self.died));
        describe("Version", env!("CARGO_PKG_VERSION").to_owned());
        if let Some(trace_id) = &self.trace_id {
            describe("Trace-Id", trace_id.clone());
        }
        headers
    }

    fn error(&self) -> String {
        match self.failures.last() {
            Some(failure) => failure.errors.join(": "),
            None if self.reason == Reason::Exhausted => format!(
                "given up by the server after {} deliveries: the handler hung, its process died each time, or \
                 somebody terminated the message",
                self.attempts
            ),
            None => "the message has no key".to_owned(),
        }
    }

    fn history(&self) -> String {
        (0..=self.failures.len())
            .map(|skipped| {
                serde_json::to_string(&self.failures[skipped..])
                    .expect("failures serialize: their keys are strings")
            })
            .find(|json| json.len() <= MAX_HISTORY)
            .unwrap_or_default()
    }
}

/// What a dead letter's headers say about its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Epitaph {
    /// The actor that could not handle it.
    pub actor: String,
    /// Why it is dead, a [`Reason`]'s name.
    pub reason: String,
    /// The stream it came from.
    pub stream: String,
    /// The subject it was published to.
    pub subject: String,
    /// Its sequence in that stream.
    pub sequence: u64,
    /// Its key.
    pub key: String,
    /// When it was published.
    pub published: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When the first known attempt started.
    pub first_failed: String,
    /// When it was given up.
    pub died: String,
    /// The last error with its sources.
    pub error: String,
    /// The failed attempts.
    pub history: Vec<Failure>,
    /// The trace it belongs to.
    pub trace_id: Option<String>,
    /// The version of the runtime that gave it up.
    pub version: String,
}

impl Epitaph {
    /// Reads the headers of a stored dead letter; `None` when they are not those of one.
    pub fn read(headers: &Headers) -> Option<Self> {
        let field = |name: &str| headers.get(&format!("{OURS}{name}")).map(str::to_owned);
        Some(Self {
            actor: field("Actor")?,
            reason: field("Reason")?,
            stream: field("Stream")?,
            subject: field("Subject")?,
            sequence: field("Sequence")?.parse().ok()?,
            key: field("Key").unwrap_or_default(),
            published: field("Published").unwrap_or_default(),
            attempts: field("Attempts")?.parse().ok()?,
            first_failed: field("First-Failed").unwrap_or_default(),
            died: field("Died").unwrap_or_default(),
            error: field("Error").unwrap_or_default(),
            history: field("History").and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default(),
            trace_id: field("Trace-Id"),
            version: field("Version").unwrap_or_default(),
        })
    }
}

/// The headers that the dead message had when it was published.
pub fn original_headers(headers: &Headers) -> Headers {
    headers
        .iter()
        .filter_map(|(name, value)| match name.strip_prefix(ORIGINAL) {
            Some(original) => Some((original, value)),
            None => (!is_ours_or_the_servers(name)).then_some((name, value)),
        })
        .collect()
}

fn is_ours_or_the_servers(name: &str) -> bool {
    let starts_with =
        |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    starts_with(OURS) || starts_with("Nats-")
}

/// A header value cannot hold line breaks, and should not hold a novel.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(MAX_ERROR));
    for character in text.chars() {
        if line.len() >= MAX_ERROR {
            line.push('…');
            break;
        }
        line.push(if character.is_control() { ' ' } else { character });
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::message::Cause;

    fn dead_letter(headers: Headers, error: &str) -> DeadLetter {
        let started = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let message = Message {
            subject: "orders.42.placed".into(),
            tokens: tidegate::subject::TokenNames::default(),
            headers,
            payload: Bytes::from_static(b"{}"),
            stream: "ORDERS".into(),
            sequence: 7,
            published: SystemTime::UNIX_EPOCH,
            key: "42".into(),
        };
        DeadLetter {
            message: Arc::new(message),
            actor: "payments".into(),
            reason: Reason::Failed,
            attempts: 2,
            failures: vec![Failure::new(2, started, Cause::Error, error)],
            died: started,
            trace_id: None,
        }
    }

    #[test]
    fn keeps_headers_that_the_server_would_act_upon() {
        let original: Headers = [
            ("Nats-Msg-Id", "a"),
            ("Nats-Expected-Stream", "ORDERS"),
            ("Customer", "7"),
            ("Tidegate-Replay", "1"),
        ]
        .into_iter()
        .collect();

        let headers = dead_letter(original.clone(), "boom").headers();

        assert!(headers.iter().all(|(name, _)| !name.starts_with("Nats-")));
        assert_eq!(original_headers(&headers), original);
    }

    #[test]
    fn epitaph_reads_what_was_written() {
        let written = dead_letter(Headers::new(), "boom");

        let read = Epitaph::read(&written.headers()).expect("an epitaph");

        assert_eq!((read.actor.as_str(), read.sequence, read.attempts), ("payments", 7, 2));
        assert_eq!(read.history, written.failures);
        assert_eq!(read.error, "boom");
    }

    #[test]
    fn errors_become_one_short_line() {
        let headers = dead_letter(Headers::new(), &format!("a\r\nb{}", "x".repeat(10_000))).headers();

        let error = headers.get("Tidegate-Error").expect("an error");
        assert!(error.starts_with("a  bxxx") && error.len() < 5000);
        assert!(headers.iter().all(|(_, value)| !value.contains(['\r', '\n'])));
    }

    #[test]
    fn headers_of_something_else_are_no_epitaph() {
        assert_eq!(Epitaph::read(&Headers::new()), None);
    }
}
