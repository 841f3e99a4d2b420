//! The rules of a topology file, by name and by code.

use std::fmt;

use serde::{Serialize, Serializer};

/// A rule that a topology file can break.
///
/// Its code never changes its meaning; [`explain`](Self::explain) tells the long story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "`Rule::title` says it, next to the long form")]
pub enum Rule {
    Unreadable,
    NotToml,
    UnknownKey,
    UnknownValue,
    WrongType,
    BadUnit,
    MissingKey,
    UnresolvedVariable,
    BadName,
    BadSubject,
    NoSubjects,
    OutOfRange,
    SecretInUrl,
    BadUrl,
    ConflictingCredentials,
    IncompleteCredentials,
    BadListen,
    UnknownStream,
    UnknownHandler,
    UnknownPort,
    UnusedHandler,
    UnusedStream,
    NoActors,
    NotCaptured,
    OverlappingInputs,
    OverlappingStreams,
    KeyTokenMissing,
    NoKey,
    BadKey,
    EmitNotCaptured,
    EmitWildcard,
    EmitToken,
    EmitIntoOwnInput,
    EmitCycle,
    NoShardToken,
    ShardKey,
    ConsumerNameTaken,
    CycleHeadroom,
    ZeroBound,
    MailboxTooLong,
    WindowTooSmall,
    WindowTooLarge,
    MemoryTooSmall,
    NoDelivery,
    NoTime,
    AckWaitTooShort,
    BackoffBeyondAckWait,
    UnusedBackoff,
    DrainTooShort,
    NoHandovers,
    FailoverTooLong,
    DiscardOld,
    Unbounded,
    SingleReplica,
    BadReplicas,
    DuplicateWindowTooLong,
    WorkQueueShared,
    WorkQueueOutput,
    NotOurs,
    NeverClears,
    FlowMarks,
    WorkQueueDeadLetters,
    DeadLettersExpireFirst,
    StreamNameTaken,
    OpenToAll,
    BadPath,
    OverlappingRoutes,
    RouteSubject,
    RouteToken,
    BadField,
    BadContentType,
    NoRoutes,
    AlertNeverRaised,
    AdminOpenToAll,
}

/// How bad it is to break a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The topology is rejected.
    Error,
    /// The topology runs, with a consequence one should know.
    Warning,
}

/// Every rule in the order of its code, with its page. The first line of a page is `# CODE: title`.
const PAGES: &[(Rule, Severity, &str)] = {
    use Severity::{Error, Warning};
    &[
        (Rule::Unreadable, Error, include_str!("rule/T001.md")),
        (Rule::NotToml, Error, include_str!("rule/T002.md")),
        (Rule::UnknownKey, Error, include_str!("rule/T003.md")),
        (Rule::UnknownValue, Error, include_str!("rule/T004.md")),
        (Rule::WrongType, Error, include_str!("rule/T005.md")),
        (Rule::BadUnit, Error, include_str!("rule/T006.md")),
        (Rule::MissingKey, Error, include_str!("rule/T007.md")),
        (Rule::UnresolvedVariable, Error, include_str!("rule/T008.md")),
        (Rule::BadName, Error, include_str!("rule/T009.md")),
        (Rule::BadSubject, Error, include_str!("rule/T010.md")),
        (Rule::NoSubjects, Error, include_str!("rule/T011.md")),
        (Rule::OutOfRange, Error, include_str!("rule/T012.md")),
        (Rule::SecretInUrl, Error, include_str!("rule/T020.md")),
        (Rule::BadUrl, Error, include_str!("rule/T021.md")),
        (Rule::ConflictingCredentials, Error, include_str!("rule/T022.md")),
        (Rule::IncompleteCredentials, Error, include_str!("rule/T023.md")),
        (Rule::BadListen, Error, include_str!("rule/T024.md")),
        (Rule::UnknownStream, Error, include_str!("rule/T030.md")),
        (Rule::UnknownHandler, Error, include_str!("rule/T031.md")),
        (Rule::UnknownPort, Warning, include_str!("rule/T032.md")),
        (Rule::UnusedHandler, Warning, include_str!("rule/T033.md")),
        (Rule::UnusedStream, Warning, include_str!("rule/T034.md")),
        (Rule::NoActors, Warning, include_str!("rule/T035.md")),
        (Rule::NotCaptured, Error, include_str!("rule/T040.md")),
        (Rule::OverlappingInputs, Error, include_str!("rule/T041.md")),
        (Rule::OverlappingStreams, Error, include_str!("rule/T042.md")),
        (Rule::KeyTokenMissing, Error, include_str!("rule/T043.md")),
        (Rule::NoKey, Error, include_str!("rule/T044.md")),
        (Rule::BadKey, Error, include_str!("rule/T045.md")),
        (Rule::EmitNotCaptured, Error, include_str!("rule/T046.md")),
        (Rule::EmitWildcard, Error, include_str!("rule/T047.md")),
        (Rule::EmitToken, Warning, include_str!("rule/T048.md")),
        (Rule::EmitIntoOwnInput, Error, include_str!("rule/T049.md")),
        (Rule::EmitCycle, Warning, include_str!("rule/T050.md")),
        (Rule::NoShardToken, Error, include_str!("rule/T051.md")),
        (Rule::ShardKey, Error, include_str!("rule/T052.md")),
        (Rule::ConsumerNameTaken, Error, include_str!("rule/T053.md")),
        (Rule::CycleHeadroom, Warning, include_str!("rule/T054.md")),
        (Rule::ZeroBound, Error, include_str!("rule/T060.md")),
        (Rule::MailboxTooLong, Error, include_str!("rule/T061.md")),
        (Rule::WindowTooSmall, Error, include_str!("rule/T062.md")),
        (Rule::WindowTooLarge, Error, include_str!("rule/T063.md")),
        (Rule::MemoryTooSmall, Error, include_str!("rule/T064.md")),
        (Rule::NoDelivery, Error, include_str!("rule/T070.md")),
        (Rule::NoTime, Error, include_str!("rule/T071.md")),
        (Rule::AckWaitTooShort, Error, include_str!("rule/T072.md")),
        (Rule::BackoffBeyondAckWait, Error, include_str!("rule/T073.md")),
        (Rule::UnusedBackoff, Warning, include_str!("rule/T074.md")),
        (Rule::DrainTooShort, Warning, include_str!("rule/T075.md")),
        (Rule::NoHandovers, Warning, include_str!("rule/T076.md")),
        (Rule::FailoverTooLong, Error, include_str!("rule/T077.md")),
        (Rule::DiscardOld, Error, include_str!("rule/T080.md")),
        (Rule::Unbounded, Error, include_str!("rule/T081.md")),
        (Rule::SingleReplica, Warning, include_str!("rule/T082.md")),
        (Rule::BadReplicas, Error, include_str!("rule/T083.md")),
        (Rule::DuplicateWindowTooLong, Error, include_str!("rule/T084.md")),
        (Rule::WorkQueueShared, Error, include_str!("rule/T085.md")),
        (Rule::WorkQueueOutput, Warning, include_str!("rule/T086.md")),
        (Rule::NotOurs, Warning, include_str!("rule/T087.md")),
        (Rule::NeverClears, Warning, include_str!("rule/T088.md")),
        (Rule::FlowMarks, Error, include_str!("rule/T089.md")),
        (Rule::WorkQueueDeadLetters, Error, include_str!("rule/T090.md")),
        (Rule::DeadLettersExpireFirst, Error, include_str!("rule/T091.md")),
        (Rule::StreamNameTaken, Error, include_str!("rule/T092.md")),
        (Rule::OpenToAll, Error, include_str!("rule/T101.md")),
        (Rule::BadPath, Error, include_str!("rule/T102.md")),
        (Rule::OverlappingRoutes, Error, include_str!("rule/T103.md")),
        (Rule::RouteSubject, Error, include_str!("rule/T104.md")),
        (Rule::RouteToken, Error, include_str!("rule/T105.md")),
        (Rule::BadField, Error, include_str!("rule/T106.md")),
        (Rule::BadContentType, Error, include_str!("rule/T107.md")),
        (Rule::NoRoutes, Warning, include_str!("rule/T108.md")),
        (Rule::AlertNeverRaised, Warning, include_str!("rule/T110.md")),
        (Rule::AdminOpenToAll, Error, include_str!("rule/T120.md")),
    ]
};

impl Rule {
    /// All rules, in the order of their codes.
    pub fn all() -> impl Iterator<Item = Self> {
        PAGES.iter().map(|(rule, _, _)| *rule)
    }

    /// The rule with this code; case does not matter.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::all().find(|rule| rule.code().eq_ignore_ascii_case(code))
    }

    /// Its code: `T` and three digits.
    pub fn code(self) -> &'static str {
        self.heading().0
    }

    /// What is wrong when it is broken, in a few words.
    pub fn title(self) -> &'static str {
        self.heading().1
    }

    /// How bad it is to break it.
    pub fn severity(self) -> Severity {
        self.page().0
    }

    /// The long form in Markdown: why there is such a rule, an example, and the cure.
    pub fn explain(self) -> &'static str {
        self.page().1
    }

    fn heading(self) -> (&'static str, &'static str) {
        let first_line = self.explain().lines().next().unwrap_or_default();
        first_line.trim_start_matches("# ").split_once(": ").unwrap_or_default()
    }

    fn page(self) -> (Severity, &'static str) {
        let (_, severity, page) =
            PAGES.iter().find(|(rule, _, _)| *rule == self).expect("every rule has a page");
        (*severity, page)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_page_with_example_and_cure() {
        assert_eq!(PAGES.len(), Rule::AdminOpenToAll as usize + 1);
        for rule in Rule::all() {
            assert_eq!(rule.code().len(), 4, "{rule:?}: the first line must be `# T000: title`");
            assert!(!rule.title().is_empty() && !rule.title().ends_with('.'), "{rule:?}: {}", rule.title());
            assert!(rule.explain().contains("```toml"), "{rule} has no example");
            assert!(rule.explain().contains("Cure: "), "{rule} has no cure");
        }
    }

    #[test]
    fn codes_are_unique_and_ascend() {
        let codes: Vec<&str> = Rule::all().map(Rule::code).collect();

        assert!(codes.is_sorted_by(|left, right| left < right), "{codes:?}");
        assert_eq!(Rule::from_code("t003"), Some(Rule::UnknownKey));
        assert_eq!(Rule::from_code("T999"), None);
    }
}
