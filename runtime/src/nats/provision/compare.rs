//! Compares what is on the server with what we would create.

use std::collections::BTreeSet;

use async_nats::jetstream::consumer::{Config as Consumer, DeliverPolicy};
use async_nats::jetstream::stream::Config as Stream;

use super::Difference;
use super::difference::{Differences, SHARDS, age, debug, join, limit, shards};

/// Where `actual` is not what we would create; only what we set is compared.
pub(super) fn of_streams(declared: &Stream, actual: &Stream) -> Vec<Difference> {
    let mut found = Differences::of(format!("stream `{}`", declared.name));
    found.compare("subjects", &as_set(&declared.subjects), &as_set(&actual.subjects), join);
    found.compare(
        SHARDS,
        &declared.subject_transform.as_ref(),
        &actual.subject_transform.as_ref(),
        |transform| shards(*transform),
    );
    found.merge(of_stream_settings(declared, actual));
    found.list
}

/// As [`of_streams`], but whatever the subjects are.
pub(super) fn of_stream_settings(declared: &Stream, actual: &Stream) -> Vec<Difference> {
    let mut found = Differences::of(format!("stream `{}`", declared.name));
    found.compare("retention", &declared.retention, &actual.retention, debug);
    found.compare("discard", &declared.discard, &actual.discard, debug);
    found.compare("storage", &declared.storage, &actual.storage, debug);
    found.compare("replicas", &declared.num_replicas, &actual.num_replicas, debug);
    found.compare("max_bytes", &declared.max_bytes, &actual.max_bytes, limit);
    found.compare("max_messages", &declared.max_messages, &actual.max_messages, limit);
    found.compare(
        "max_messages_per_subject",
        &declared.max_messages_per_subject,
        &actual.max_messages_per_subject,
        limit,
    );
    found.compare(
        "max_message_size",
        &i64::from(declared.max_message_size),
        &i64::from(actual.max_message_size),
        limit,
    );
    found.compare("max_age", &declared.max_age, &actual.max_age, age);
    if !declared.duplicate_window.is_zero() {
        found.compare("duplicate_window", &declared.duplicate_window, &actual.duplicate_window, age);
    }
    found.compare("no_ack", &declared.no_ack, &actual.no_ack, debug);
    found.compare("sealed", &declared.sealed, &actual.sealed, debug);
    found.compare("allow_direct", &declared.allow_direct, &actual.allow_direct, debug);
    found.list
}

/// Where `actual` is not what we would create; only what we set, and what would break us, is compared.
pub(in crate::nats) fn of_consumers(stream: &str, declared: &Consumer, actual: &Consumer) -> Vec<Difference> {
    let name = declared.durable_name.as_deref().unwrap_or_default();
    let mut found = Differences::of(format!("consumer `{name}` of stream `{stream}`"));
    found.compare("subjects", &filters(declared), &filters(actual), join);
    found.compare("durable_name", &declared.durable_name, &actual.durable_name, debug);
    found.compare("deliver_subject", &declared.deliver_subject, &actual.deliver_subject, debug);
    if !matches!(actual.deliver_policy, DeliverPolicy::All | DeliverPolicy::ByStartSequence { .. }) {
        found.compare("deliver_policy", &declared.deliver_policy, &actual.deliver_policy, debug);
    }
    found.compare("ack_policy", &declared.ack_policy, &actual.ack_policy, debug);
    found.compare("ack_wait", &declared.ack_wait, &actual.ack_wait, age);
    found.compare("max_deliver + handovers", &declared.max_deliver, &actual.max_deliver, limit);
    found.compare("window", &declared.max_ack_pending, &actual.max_ack_pending, limit);
    if declared.max_waiting > 0 {
        found.compare("max_waiting", &declared.max_waiting, &actual.max_waiting, limit);
    }
    found.compare("replay_policy", &declared.replay_policy, &actual.replay_policy, debug);
    found.compare("rate_limit", &declared.rate_limit, &actual.rate_limit, debug);
    found.compare("headers_only", &declared.headers_only, &actual.headers_only, debug);
    found.compare("backoff", &declared.backoff, &actual.backoff, debug);
    found.compare("max_batch", &declared.max_batch, &actual.max_batch, limit);
    found.compare("max_bytes", &declared.max_bytes, &actual.max_bytes, limit);
    found.compare("max_expires", &declared.max_expires, &actual.max_expires, age);
    found.compare("inactive_threshold", &declared.inactive_threshold, &actual.inactive_threshold, age);
    found.compare("priority_policy", &declared.priority_policy, &actual.priority_policy, debug);
    found.compare("priority_groups", &declared.priority_groups, &actual.priority_groups, debug);
    found.compare("failover", &declared.priority_timeout, &actual.priority_timeout, age);
    found.list
}

fn filters(consumer: &Consumer) -> BTreeSet<&str> {
    let one = Some(consumer.filter_subject.as_str()).filter(|subject| !subject.is_empty());
    as_set(&consumer.filter_subjects).into_iter().chain(one).collect()
}

fn as_set(subjects: &[String]) -> BTreeSet<&str> {
    subjects.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_nats::jetstream::consumer::{AckPolicy, PriorityPolicy, ReplayPolicy};
    use async_nats::jetstream::stream::{DiscardPolicy, RetentionPolicy, StorageType, SubjectTransform};

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// A field, and a change after which it is the only one that differs.
    type Change<C> = (&'static str, fn(&mut C));

    /// The changes that are not told as what they are.
    fn unseen<C: Clone>(
        declared: &C,
        changes: &[Change<C>],
        differences: impl Fn(&C, &C) -> Vec<Difference>,
    ) -> Vec<&'static str> {
        let is_seen = |(field, change): &&Change<C>| {
            let mut actual = declared.clone();
            change(&mut actual);
            let found = differences(declared, &actual);
            matches!(found.as_slice(), [one] if one.field == *field)
        };
        changes.iter().filter(|change| !is_seen(change)).map(|(field, _)| *field).collect()
    }

    #[test]
    fn every_field_of_a_stream_that_we_set_is_compared() {
        let declared = Stream { duplicate_window: MINUTE, ..Stream::default() };
        let changes: [Change<Stream>; 15] = [
            ("subjects", |stream| stream.subjects.push("more".to_owned())),
            (SHARDS, |stream| {
                let (source, destination) = ("a.*".to_owned(), "b.*".to_owned());
                stream.subject_transform = Some(SubjectTransform { source, destination });
            }),
            ("retention", |stream| stream.retention = RetentionPolicy::WorkQueue),
            ("discard", |stream| stream.discard = DiscardPolicy::New),
            ("storage", |stream| stream.storage = StorageType::Memory),
            ("replicas", |stream| stream.num_replicas = 3),
            ("max_bytes", |stream| stream.max_bytes = 7),
            ("max_messages", |stream| stream.max_messages = 7),
            ("max_messages_per_subject", |stream| stream.max_messages_per_subject = 7),
            ("max_message_size", |stream| stream.max_message_size = 7),
            ("max_age", |stream| stream.max_age = MINUTE),
            ("duplicate_window", |stream| stream.duplicate_window = MINUTE * 2),
            ("no_ack", |stream| stream.no_ack = true),
            ("sealed", |stream| stream.sealed = true),
            ("allow_direct", |stream| stream.allow_direct = true),
        ];

        assert_eq!(unseen(&declared, &changes, of_streams), [""; 0]);
    }

    #[test]
    fn every_field_of_a_consumer_that_we_set_or_that_would_break_us_is_compared() {
        let declared = Consumer { ack_policy: AckPolicy::Explicit, max_waiting: 8, ..Consumer::default() };
        let changes: [Change<Consumer>; 20] = [
            ("subjects", |consumer| consumer.filter_subjects.push("more".to_owned())),
            ("durable_name", |consumer| consumer.durable_name = Some("other".to_owned())),
            ("deliver_subject", |consumer| consumer.deliver_subject = Some("there".to_owned())),
            ("deliver_policy", |consumer| consumer.deliver_policy = DeliverPolicy::Last),
            ("ack_policy", |consumer| consumer.ack_policy = AckPolicy::None),
            ("ack_wait", |consumer| consumer.ack_wait = MINUTE),
            ("max_deliver + handovers", |consumer| consumer.max_deliver = 7),
            ("window", |consumer| consumer.max_ack_pending = 7),
            ("max_waiting", |consumer| consumer.max_waiting = 7),
            ("replay_policy", |consumer| consumer.replay_policy = ReplayPolicy::Original),
            ("rate_limit", |consumer| consumer.rate_limit = 7),
            ("headers_only", |consumer| consumer.headers_only = true),
            ("backoff", |consumer| consumer.backoff.push(MINUTE)),
            ("max_batch", |consumer| consumer.max_batch = 7),
            ("max_bytes", |consumer| consumer.max_bytes = 7),
            ("max_expires", |consumer| consumer.max_expires = MINUTE),
            ("inactive_threshold", |consumer| consumer.inactive_threshold = MINUTE),
            ("priority_policy", |consumer| consumer.priority_policy = PriorityPolicy::PinnedClient),
            ("priority_groups", |consumer| consumer.priority_groups.push("owner".to_owned())),
            ("failover", |consumer| consumer.priority_timeout = MINUTE),
        ];

        assert_eq!(unseen(&declared, &changes, |one, other| of_consumers("S", one, other)), [""; 0]);
    }

    #[test]
    fn tells_all_fields_that_differ() {
        let declared =
            Stream { name: "ORDERS".into(), subjects: vec!["a".into(), "b".into()], ..Stream::default() };
        let actual = Stream {
            subjects: vec!["b".into()],
            max_bytes: 7,
            max_age: Duration::from_mins(1),
            ..declared.clone()
        };

        let fields: Vec<String> = of_streams(&declared, &actual).iter().map(ToString::to_string).collect();

        assert_eq!(
            fields,
            [
                "stream `ORDERS`: subjects is `b`, the topology needs `a`, `b`",
                "stream `ORDERS`: max_bytes is 7, the topology needs unlimited",
                "stream `ORDERS`: max_age is 1m, the topology needs unlimited",
            ]
        );
    }

    #[test]
    fn the_order_of_subjects_does_not_matter() {
        let declared = Stream { subjects: vec!["a".into(), "b".into()], ..Stream::default() };
        let actual = Stream { subjects: vec!["b".into(), "a".into()], ..Stream::default() };

        assert_eq!(of_streams(&declared, &actual), []);
    }

    #[test]
    fn one_filter_or_a_list_of_one_are_the_same() {
        let declared = Consumer { filter_subjects: vec!["a".into()], ..Consumer::default() };
        let actual = Consumer { filter_subject: "a".into(), ..Consumer::default() };

        assert_eq!(of_consumers("ORDERS", &declared, &actual), []);
    }

    #[test]
    fn a_consumer_that_was_made_anew_in_the_middle_is_no_difference() {
        let declared = Consumer::default();
        let resumed = DeliverPolicy::ByStartSequence { start_sequence: 7 };

        assert_eq!(
            of_consumers("S", &declared, &Consumer { deliver_policy: resumed, ..Consumer::default() }),
            []
        );
        assert_eq!(
            of_consumers(
                "S",
                &declared,
                &Consumer { deliver_policy: DeliverPolicy::New, ..Consumer::default() }
            )
            .len(),
            1
        );
    }
}
