//! Which differences can be cured on the server without harm: what is widened loses nothing and keeps all in order.
//!
//! A limit is raised and never lowered, since instances of the former topology may be at work. Subjects of a stream
//! are added and never taken away. The subjects of a consumer stay: it would never deliver what it has passed over.

use std::collections::BTreeSet;

use async_nats::jetstream::consumer::{Config as Consumer, Info};
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{Config as Stream, DiscardPolicy};
use serde_json::json;
use tracing::info;

use super::api::{ask, change_stream};
use super::{Difference, ProvisionError, compare};
use crate::nats::Connection;

/// An edit of something on the server, and the differences that it cures.
#[derive(Debug)]
pub struct Edit {
    /// What is edited, such as ``stream `ORDERS` ``.
    pub what: String,
    /// What it cures.
    pub cures: Vec<Difference>,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Stream(Box<Stream>),
    Consumer { stream: String, config: Box<Consumer> },
}

/// What can be cured of a stream's differences, if anything.
pub(super) fn of_stream(declared: &Stream, actual: &Stream) -> Option<Edit> {
    let edited = widened_stream(declared, actual);
    let left = compare::of_streams(declared, &edited);
    let cures = cured(compare::of_streams(declared, actual), &left)?;
    Some(Edit { what: format!("stream `{}`", actual.name), cures, change: Change::Stream(Box::new(edited)) })
}

/// What can be cured of a consumer's differences, if anything.
pub(super) fn of_consumer(stream: &str, declared: &Consumer, actual: &Consumer) -> Option<Edit> {
    let edited = widened_consumer(declared, actual);
    let left = compare::of_consumers(stream, declared, &edited);
    let cures = cured(compare::of_consumers(stream, declared, actual), &left)?;
    let what = cures.first()?.what.clone();
    let change = Change::Consumer { stream: stream.to_owned(), config: Box::new(edited) };
    Some(Edit { what, cures, change })
}

impl Edit {
    pub(super) async fn perform(&self, connection: &Connection) -> Result<(), ProvisionError> {
        match &self.change {
            Change::Stream(config) => change_stream(connection, "UPDATE", config).await.map(drop)?,
            Change::Consumer { stream, config } => update(connection, stream, config, &self.what).await?,
        }
        info!(what = self.what, "edited");
        Ok(())
    }
}

async fn update(
    connection: &Connection,
    stream: &str,
    config: &Consumer,
    what: &str,
) -> Result<(), ProvisionError> {
    let name = config.durable_name.as_deref().unwrap_or_default();
    let request = json!({ "stream_name": stream, "config": config, "action": "update" });
    let subject = format!("CONSUMER.CREATE.{stream}.{name}");
    match ask::<Info>(connection, &subject, Some(request), what).await? {
        Response::Ok(_) => Ok(()),
        Response::Err { error } => Err(ProvisionError::Refused { what: what.to_owned(), source: error }),
    }
}

fn cured(before: Vec<Difference>, left: &[Difference]) -> Option<Vec<Difference>> {
    let cured: Vec<Difference> = before.into_iter().filter(|difference| !left.contains(difference)).collect();
    (!cured.is_empty()).then_some(cured)
}

fn widened_stream(declared: &Stream, actual: &Stream) -> Stream {
    let mut edited = actual.clone();
    let subjects = |stream: &Stream| stream.subjects.iter().cloned().collect::<BTreeSet<_>>();
    if declared.subject_transform == actual.subject_transform
        && subjects(declared).is_superset(&subjects(actual))
    {
        edited.subjects.clone_from(&declared.subjects);
    }
    raise(&mut edited.max_bytes, declared.max_bytes);
    raise(&mut edited.max_messages, declared.max_messages);
    raise(&mut edited.max_messages_per_subject, declared.max_messages_per_subject);
    raise(&mut edited.max_message_size, declared.max_message_size);
    raise(&mut edited.max_age, declared.max_age);
    if declared.duplicate_window > actual.duplicate_window {
        edited.duplicate_window = declared.duplicate_window;
    }
    edited.num_replicas = edited.num_replicas.max(declared.num_replicas);
    if declared.discard == DiscardPolicy::New {
        edited.discard = DiscardPolicy::New;
    }
    edited.allow_direct |= declared.allow_direct;
    edited.no_ack &= declared.no_ack;
    edited
}

fn widened_consumer(declared: &Consumer, actual: &Consumer) -> Consumer {
    let mut edited = actual.clone();
    edited.ack_wait = edited.ack_wait.max(declared.ack_wait);
    raise(&mut edited.max_deliver, declared.max_deliver);
    edited.max_ack_pending = declared.max_ack_pending;
    edited.priority_timeout = edited.priority_timeout.max(declared.priority_timeout);
    raise(&mut edited.max_batch, declared.max_batch);
    raise(&mut edited.max_bytes, declared.max_bytes);
    raise(&mut edited.max_expires, declared.max_expires);
    raise(&mut edited.inactive_threshold, declared.inactive_threshold);
    edited.headers_only &= declared.headers_only;
    if declared.rate_limit == 0 {
        edited.rate_limit = 0;
    }
    if declared.backoff.is_empty() {
        edited.backoff.clear();
    }
    edited
}

/// Raises a limit; none is 0 or less, or no time at all.
fn raise<T: Copy + PartialOrd + Default>(limit: &mut T, declared: T) {
    let none = T::default();
    if *limit > none && (declared <= none || declared > *limit) {
        *limit = declared;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn fields(edit: Option<Edit>) -> Vec<&'static str> {
        edit.map(|edit| edit.cures.iter().map(|cure| cure.field).collect()).unwrap_or_default()
    }

    #[test]
    fn limits_of_a_stream_are_raised_and_never_lowered() {
        let low = Stream { max_bytes: 7, max_age: Duration::from_mins(1), ..Stream::default() };
        let high = Stream { max_bytes: 9, ..Stream::default() };

        assert_eq!(fields(of_stream(&high, &low)), ["max_bytes", "max_age"]);
        assert_eq!(fields(of_stream(&low, &high)), [""; 0]);
    }

    #[test]
    fn subjects_are_added_and_never_taken_away() {
        let stream = |subjects: &[&str]| Stream {
            subjects: subjects.iter().map(|subject| (*subject).to_owned()).collect(),
            ..Stream::default()
        };

        assert_eq!(fields(of_stream(&stream(&["a", "b"]), &stream(&["a"]))), ["subjects"]);
        assert_eq!(fields(of_stream(&stream(&["a"]), &stream(&["a", "b"]))), [""; 0]);
        assert_eq!(fields(of_stream(&stream(&["a", "b"]), &stream(&["b", "c"]))), [""; 0]);
    }

    #[test]
    fn a_consumer_is_widened_and_keeps_its_subjects() {
        let declared = Consumer {
            ack_wait: Duration::from_secs(30),
            max_deliver: 25,
            max_ack_pending: 64,
            filter_subjects: vec!["a".to_owned()],
            ..Consumer::default()
        };
        let actual = Consumer {
            ack_wait: Duration::from_secs(10),
            max_deliver: 30,
            max_ack_pending: 128,
            filter_subjects: vec!["b".to_owned()],
            ..Consumer::default()
        };

        assert_eq!(fields(of_consumer("ORDERS", &declared, &actual)), ["ack_wait", "window"]);
        assert_eq!(fields(of_consumer("ORDERS", &actual, &declared)), ["max_deliver + handovers", "window"]);
    }
}
