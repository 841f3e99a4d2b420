//! What the figures are made of, and when they are good.

use std::time::SystemTime;

use super::*;
use crate::cli::demo::books::Books;
use crate::cli::demo::origin::Answer;
use crate::message::Reason;

fn at(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}

/// Two orders at 0 ms; the first is done after 1 ms, the second is given up after 20 ms.
fn findings() -> Findings {
    let mut books = Books::default();
    books.given(1, Some("a"), at(0));
    books.given(2, Some("a"), at(0));
    books.answered(1, Answer::Emit(0), at(1));
    books.answered(2, Answer::DeadLetter, at(20));
    let audit = Audit {
        books: [("payments".parse().expect("a valid name"), books)].into(),
        dead_letters: [("failed".to_owned(), 1)].into(),
    };
    let flooded = Flooded { published: 2, doomed: [(Reason::Failed, 1)].into() };
    Findings { flooded, effort: Effort { retries: 3, ..Effort::default() }, peak: 42_000_000, audit }
}

fn report(findings: Findings) -> Report {
    Report::new(findings, &"payments".parse().expect("a valid name"))
}

#[test]
fn programs_get_exactly_these_keys() {
    let report = report(findings());

    let json = serde_json::to_string(&report).expect("numbers serialize");
    assert_eq!(
        json,
        r#"{"published":2,"done":1,"retried":3,"dead_lettered":1,"order_violations":0,"lost":0,"repeated":0,"msgs_per_s":100.0,"p50_ms":1.0,"p99_ms":1.0,"peak_rss_mb":42.0}"#
    );
}

#[test]
fn what_is_promised_and_kept_is_good() {
    assert!(report(findings()).is_good());
}

#[test]
fn an_order_that_the_stream_confirmed_and_does_not_have_is_lost() {
    let mut findings = findings();
    findings.flooded.published = 3;

    let report = report(findings);

    assert_eq!(report.lost, 1);
    assert!(!report.is_good());
    assert!(report.to_string().contains("FAILED: 1 lost"), "{report}");
}

#[test]
fn a_dead_letter_that_nobody_asked_for_is_not_good() {
    let mut findings = findings();
    findings.flooded.doomed.clear();

    assert!(!report(findings).is_good());
}

#[test]
fn nothing_at_all_makes_no_nonsense() {
    let findings =
        Findings { flooded: Flooded::default(), effort: Effort::default(), peak: 0, audit: Audit::default() };

    assert_eq!(report(findings), Report::default());
}
