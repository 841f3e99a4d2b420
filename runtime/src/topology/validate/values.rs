//! Values that many tables have: names, subjects, numbers, durations.

use std::fmt::Display;
use std::time::Duration;

use tidegate::subject::{Pattern, SubjectError};

use crate::topology::name::Name;
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::{Count, Located, Size, Timespan};

/// The name of a `kind` of thing, which is given with its article.
pub(super) fn name<Kind>(written: &Located<String>, kind: &str, report: &mut Report) -> Option<Name<Kind>> {
    match written.value.parse() {
        Ok(name) => Some(name),
        Err(problem) => {
            report
                .add(Rule::BadName, &written.span, format!("`{}` cannot be the name of {kind}: {problem}", written.value.escape_debug()))
                .consequence("names become parts of stream, consumer and bucket names, which the server would refuse or misread")
                .cure("start with a letter, and use letters, digits, `-` and `_`");
            None
        }
    }
}

/// The subjects of a list, or nothing when the list or one of them is broken.
pub(super) fn patterns(
    list: Option<&Located<Vec<Located<String>>>>,
    owner: &str,
    consequence: &str,
    report: &mut Report,
) -> Option<Vec<Located<Pattern>>> {
    let list = list?;
    if list.value.is_empty() {
        report
            .add(Rule::NoSubjects, &list.span, format!("{owner} has no subjects"))
            .consequence(consequence)
            .cure("list the subjects: `subjects = [\"orders.{order}.*\"]`");
        return None;
    }
    let parsed: Vec<Option<Located<Pattern>>> =
        list.value.iter().map(|subject| pattern(subject, report)).collect();
    parsed.into_iter().collect()
}

/// One subject.
pub(super) fn pattern(written: &Located<String>, report: &mut Report) -> Option<Located<Pattern>> {
    match written.value.parse::<Pattern>() {
        Ok(pattern) => Some(written.map(|_| pattern)),
        Err(problem) => {
            let cure = match problem {
                SubjectError::Reserved { .. } => {
                    "use a subject of your own; what starts with `$` is the server's"
                }
                SubjectError::DuplicateName { .. } => "give each token a name of its own",
                _ => {
                    "separate tokens with dots, name tokens like `{order}`; `*` stands for one token, `>` for all that follow"
                }
            };
            report
                .add(Rule::BadSubject, &written.span, problem.to_string())
                .consequence("the server would refuse it or match something else")
                .cure(cure);
            None
        }
    }
}

/// A number between one and `most`.
pub(super) fn positive<N>(
    entry: Option<&Located<Count>>,
    key: &str,
    default: N,
    most: N,
    report: &mut Report,
) -> N
where
    N: TryFrom<u64> + Copy + PartialOrd + Display,
{
    let Some(written) = entry else { return default };
    if written.value.0 == 0 {
        zero(written, key, report);
        return default;
    }
    at_most(written, key, default, most, report)
}

/// A number up to `most`, zero included.
pub(super) fn count<N>(
    entry: Option<&Located<Count>>,
    key: &str,
    default: N,
    most: N,
    report: &mut Report,
) -> N
where
    N: TryFrom<u64> + Copy + PartialOrd + Display,
{
    entry.map_or(default, |written| at_most(written, key, default, most, report))
}

/// A limit of a stream: a number of bytes or messages, not zero.
pub(super) fn limit(entry: Option<Located<u64>>, key: &str, report: &mut Report) -> Option<u64> {
    let written = entry?;
    if written.value == 0 {
        report
            .add(Rule::ZeroBound, &written.span, format!("`{key}` is 0"))
            .consequence("to the server, 0 means unlimited")
            .cure(format!("write a limit, or leave `{key}` out"));
        return None;
    }
    Some(written.value)
}

/// A duration of at least `least`.
pub(super) fn duration(
    entry: Option<&Located<Timespan>>,
    key: &str,
    least: Duration,
    consequence: &str,
    report: &mut Report,
) -> Option<Duration> {
    let written = entry?;
    let span = written.value.0;
    if span < least {
        let least = humantime::format_duration(least);
        report
            .add(Rule::NoTime, &written.span, format!("`{key}` is {}", humantime::format_duration(span)))
            .consequence(consequence)
            .cure(format!("write at least `{key} = \"{least}\"`"));
        return None;
    }
    Some(span)
}

/// The bytes of a size with its place.
pub(super) fn bytes(entry: Option<&Located<Size>>) -> Option<Located<u64>> {
    entry.map(|written| written.map(|size| size.0))
}

/// A number with its place.
pub(super) fn number(entry: Option<&Located<Count>>) -> Option<Located<u64>> {
    entry.map(|written| written.map(|count| count.0))
}

fn zero(written: &Located<Count>, key: &str, report: &mut Report) {
    let consequence = match key {
        "mailbox" => "a mailbox of 0 has no bound at all: memory would grow with the backlog",
        "partitions" => "there would be nobody to handle a message",
        "max_connections" | "rate" => "no request would ever be taken",
        _ => "no message would ever be handled",
    };
    report
        .add(Rule::ZeroBound, &written.span, format!("`{key}` is 0"))
        .consequence(consequence)
        .cure(format!("write at least `{key} = 1`, or leave it out for the default"));
}

fn at_most<N>(written: &Located<Count>, key: &str, default: N, most: N, report: &mut Report) -> N
where
    N: TryFrom<u64> + Copy + PartialOrd + Display,
{
    match N::try_from(written.value.0) {
        Ok(number) if number <= most => number,
        Ok(_) | Err(_) => {
            report
                .add(
                    Rule::OutOfRange,
                    &written.span,
                    format!("`{key}` is {}, more than {most}", written.value.0),
                )
                .consequence("the runtime or the server cannot work with a number that large")
                .cure(format!("write at most `{key} = {most}`"));
            default
        }
    }
}
