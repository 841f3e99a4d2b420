//! Looks at streams that somebody else owns: they must capture what our actors consume.

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy};
use tidegate::subject::Pattern;

use super::difference::{SHARDS, is_split, shards};
use super::streams::subject_transform;
use super::{Difference, Warning};
use crate::topology::{Stream, Topology};

/// Where an external stream is not what the topology relies on.
pub(super) fn check(
    topology: &Topology,
    stream: &Stream,
    actual: &Config,
) -> (Vec<Difference>, Option<Warning>) {
    let consumed = topology.actors.values().filter(|actor| actor.stream == stream.name);
    let needed = consumed.flat_map(|actor| &actor.subjects).chain(&stream.subjects);
    let mut differences: Vec<Difference> = missing_subjects(needed, actual).into_iter().collect();
    differences.extend(other_shards(stream, actual));
    let warning =
        (actual.discard == DiscardPolicy::Old).then(|| Warning::DiscardsOld { stream: actual.name.clone() });
    (differences, warning)
}

/// Where a stream that somebody chose by name cannot keep dead letters: it must neither forget nor give away what it
/// has.
pub(super) fn unfit_for_dead_letters(wanted: &Config, actual: &Config) -> Vec<Difference> {
    let what = format!("stream `{}`", actual.name);
    let mut differences = Vec::new();
    if actual.retention != RetentionPolicy::Limits {
        let (declared, actual) = ("limits".to_owned(), format!("{:?}", actual.retention).to_lowercase());
        differences.push(Difference { what: what.clone(), field: "retention", declared, actual });
    }
    if actual.discard != DiscardPolicy::New {
        let (declared, actual) = ("new".to_owned(), "old".to_owned());
        differences.push(Difference { what, field: "discard", declared, actual });
    }
    let needed: Vec<Pattern> = wanted.subjects.iter().filter_map(|subject| subject.parse().ok()).collect();
    differences.extend(missing_subjects(&needed, actual));
    differences
}

/// Another split into shards than the topology's. What else renames subjects is its owner's concern.
fn other_shards(stream: &Stream, actual: &Config) -> Option<Difference> {
    let (declared, actual) = (subject_transform(stream), actual.subject_transform.as_ref());
    if declared.as_ref() == actual || (declared.is_none() && !actual.is_some_and(is_split)) {
        return None;
    }
    Some(Difference {
        what: format!("stream `{}`", stream.name),
        field: SHARDS,
        declared: shards(declared.as_ref()),
        actual: shards(actual),
    })
}

/// The needed subjects that the stream does not capture. A stream that gets its messages from other streams, or
/// renames them, says nothing about what it has.
fn missing_subjects<'a>(
    needed: impl IntoIterator<Item = &'a Pattern>,
    actual: &Config,
) -> Option<Difference> {
    let is_renamed = actual.subject_transform.as_ref().is_some_and(|transform| !is_split(transform));
    if actual.mirror.is_some() || actual.sources.is_some() || is_renamed {
        return None;
    }
    let captured: Vec<Pattern> = actual.subjects.iter().filter_map(|subject| subject.parse().ok()).collect();
    let is_missing = |pattern: &&Pattern| !captured.iter().any(|captured| captured.captures(pattern));
    let mut missing: Vec<String> =
        needed.into_iter().filter(is_missing).map(|pattern| format!("`{}`", pattern.filter())).collect();
    missing.sort_unstable();
    missing.dedup();
    (!missing.is_empty()).then(|| Difference {
        what: format!("stream `{}`", actual.name),
        field: "subjects",
        declared: missing.join(", "),
        actual: actual.subjects.join(", "),
    })
}

#[cfg(test)]
mod tests {
    use async_nats::jetstream::stream::Source;

    use super::*;

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| text.parse().expect("a valid pattern")).collect()
    }

    #[test]
    fn names_only_the_subjects_that_are_missing() {
        let actual = Config { subjects: vec!["orders.>".into()], ..Config::default() };

        let missing = missing_subjects(&patterns(&["orders.{order}.placed", "refunds.*"]), &actual);

        assert_eq!(missing.expect("one is missing").declared, "`refunds.*`");
    }

    #[test]
    fn a_mirror_says_nothing_about_its_subjects() {
        let actual = Config { mirror: Some(Source::default()), ..Config::default() };

        assert_eq!(missing_subjects(&patterns(&["orders.*"]), &actual), None);
    }

    #[test]
    fn a_work_queue_or_a_forgetful_stream_is_unfit_for_dead_letters() {
        let wanted = Config { subjects: vec!["tidegate.shop.dead-letters.>".into()], ..Config::default() };
        let actual = Config {
            subjects: vec!["tidegate.>".into()],
            retention: RetentionPolicy::WorkQueue,
            discard: DiscardPolicy::Old,
            ..Config::default()
        };

        let fields: Vec<&str> =
            unfit_for_dead_letters(&wanted, &actual).iter().map(|difference| difference.field).collect();

        assert_eq!(fields, ["retention", "discard"]);
    }
}
