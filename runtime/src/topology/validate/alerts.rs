//! Alarms that can come, and limits of dead letters.

use std::time::Duration;

use crate::topology::model::{Alerts, DeadLetterLimits};
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::{ActorTable, AlertsTable, DeadLetterLimitsTable, Located, Timespan};

/// When to raise the alarm about an actor.
pub(super) fn alerts(
    table: &ActorTable,
    timeout: Duration,
    backoff: &[Duration],
    report: &mut Report,
) -> Alerts {
    let nothing = AlertsTable::default();
    let written = table.alerts.as_ref().unwrap_or(&nothing);
    let longest = backoff.iter().max().copied().unwrap_or_default();
    let stalled = Alerts::STALLED.max((timeout + longest) * 2);
    let processing = written.processing.as_ref();
    if let Some(processing) = processing.filter(|processing| processing.value.0 > timeout) {
        never_raised(table, processing, timeout, report);
    }
    Alerts {
        queue_depth: written.queue_depth.as_ref().map(|entry| entry.value.0),
        lag: span(written.lag.as_ref()),
        processing: span(processing),
        dead_letters: written.dead_letters.as_ref().map(|entry| entry.value.0),
        dead_letter_rate: written.dead_letter_rate.as_ref().map(|entry| entry.value.0),
        blocked: span(written.blocked.as_ref()).or(Some(Alerts::BLOCKED)).filter(|span| !span.is_zero()),
        stalled: span(written.stalled.as_ref()).or(Some(stalled)).filter(|span| !span.is_zero()),
        lasting: span(written.lasting.as_ref()).unwrap_or(Alerts::LASTING),
    }
}

/// When an actor pauses because too many of its messages become dead letters.
pub(super) fn dead_letter_limits(table: Option<&DeadLetterLimitsTable>) -> DeadLetterLimits {
    let nothing = DeadLetterLimitsTable::default();
    let written = table.unwrap_or(&nothing);
    let ratio = written.ratio.as_ref().map_or(DeadLetterLimits::RATIO, |entry| entry.value.0);
    let consecutive =
        written.consecutive.as_ref().map_or(DeadLetterLimits::CONSECUTIVE, |entry| entry.value.0);
    DeadLetterLimits {
        ratio: Some(ratio).filter(|ratio| *ratio > 0.0),
        consecutive: Some(consecutive).filter(|count| *count > 0),
        held: written.held.as_ref().map(|entry| entry.value.0).filter(|count| *count > 0),
    }
}

fn span(entry: Option<&Located<Timespan>>) -> Option<Duration> {
    entry.map(|entry| entry.value.0)
}

fn never_raised(table: &ActorTable, processing: &Located<Timespan>, timeout: Duration, report: &mut Report) {
    let limit = humantime::format_duration(timeout);
    let message = format!("`processing` is longer than the actor's `timeout` of {limit}");
    let finding = report.add(Rule::AlertNeverRaised, &processing.span, message);
    finding
        .consequence(
            "an attempt is ended at its `timeout`, so none takes longer and the alarm is never raised",
        )
        .cure(format!("write at most {limit}, or raise `timeout`"));
    if let Some(timeout) = &table.timeout {
        finding.related(&timeout.span, "ends every attempt");
    }
}
