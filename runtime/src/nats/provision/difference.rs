//! A place where something on the server is not what we would create.

use std::collections::BTreeSet;
use std::fmt::{self, Debug};
use std::time::Duration;

use async_nats::jetstream::stream::SubjectTransform;
use serde::Serialize;

use crate::message::ShardPrefix;

/// The field that tells how many shards a stream is split into.
pub(super) const SHARDS: &str = "shards";

/// What a consumer of another number of shards still has to do.
pub(super) const UNHANDLED: &str = "unhandled";

/// One field of something on the server that is not what the topology says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What differs, such as ``stream `ORDERS` ``.
    pub what: String,
    /// The field, by its name in the topology where it has one.
    pub field: &'static str,
    /// What the topology says.
    pub declared: String,
    /// What the server has.
    pub actual: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, field, declared, actual } = self;
        write!(f, "{what}: {field} is {actual}, the topology needs {declared}")
    }
}

/// The differences of one thing, as they are found.
pub(super) struct Differences {
    what: String,
    pub(super) list: Vec<Difference>,
}

impl Differences {
    pub(super) fn of(what: String) -> Self {
        Self { what, list: Vec::new() }
    }

    pub(super) fn compare<T: PartialEq>(
        &mut self,
        field: &'static str,
        declared: &T,
        actual: &T,
        show: impl Fn(&T) -> String,
    ) {
        if declared != actual {
            let (declared, actual) = (show(declared), show(actual));
            self.list.push(Difference { what: self.what.clone(), field, declared, actual });
        }
    }

    pub(super) fn merge(&mut self, others: Vec<Difference>) {
        self.list.extend(others);
    }
}

/// Shows a limit; none is 0 or less.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "`compare` shows values of any type by reference")]
pub(super) fn limit(limit: &i64) -> String {
    match limit {
        ..=0 => "unlimited".to_owned(),
        limit => limit.to_string(),
    }
}

/// Shows a duration; none is zero.
pub(super) fn age(age: &Duration) -> String {
    match *age {
        Duration::ZERO => "unlimited".to_owned(),
        age => humantime::format_duration(age).to_string(),
    }
}

/// Shows subjects.
pub(super) fn join(subjects: &BTreeSet<&str>) -> String {
    let quoted: Vec<String> = subjects.iter().map(|subject| format!("`{subject}`")).collect();
    match quoted.as_slice() {
        [] => "none".to_owned(),
        quoted => quoted.join(", "),
    }
}

/// Whether a subject transform is one that splits a stream into shards.
pub(super) fn is_split(transform: &SubjectTransform) -> bool {
    transform.destination.contains(&format!("}}}}.{}.", ShardPrefix::OF))
}

/// Shows how a stream is split into shards, which a subject transform does.
pub(super) fn shards(transform: Option<&SubjectTransform>) -> String {
    let Some(SubjectTransform { source, destination }) = transform else { return "1".to_owned() };
    let count = destination.strip_prefix("{{partition(").and_then(|rest| rest.split(',').next());
    format!("{} (`{source}` → `{destination}`)", count.unwrap_or("unknown"))
}

/// Shows a value as the server writes it.
pub(super) fn debug<T: Debug>(value: &T) -> String {
    format!("{value:?}").to_lowercase()
}
