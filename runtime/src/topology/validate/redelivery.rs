//! How often and how soon a message is tried again.

use std::time::Duration;

use super::{ActorDraft, values};
use crate::topology::model::{Actor, Order, Topology};
use crate::topology::report::Report;
use crate::topology::rule::Rule;
use crate::topology::schema::{ActorTable, File, Located, Timespan};

/// How an actor tries again.
pub(super) struct Redelivery {
    pub max_deliver: u32,
    pub handovers: u32,
    pub backoff: Vec<Duration>,
    pub timeout: Duration,
    pub ack_wait: Duration,
    pub restarts: u32,
}

/// Numbers of deliveries are 32-bit on the server, and signed.
const MOST: u32 = i32::MAX.unsigned_abs() / 2;

pub(super) fn redelivery(table: &ActorTable, order: Order, report: &mut Report) -> Redelivery {
    let max_deliver = max_deliver(table, report);
    let ack_wait = ack_wait(table, report);
    let consequence = "no attempt could ever succeed: every message would become a dead letter";
    let timeout =
        values::duration(table.timeout.as_ref(), "timeout", Duration::from_millis(1), consequence, report);
    Redelivery {
        max_deliver,
        handovers: handovers(table, report),
        backoff: backoff(table, order, max_deliver, ack_wait, report),
        timeout: timeout.unwrap_or(Actor::TIMEOUT),
        ack_wait,
        restarts: values::count(table.restarts.as_ref(), "restarts", Actor::RESTARTS, MOST, report),
    }
}

/// Attempts that outlast the drain are cut off; both are looked at only where the file sets the attempt's time.
pub(super) fn check_drain(file: &File, report: &mut Report) {
    let consequence = "the process would end without finishing anything, and repeat it all after the restart";
    let written = file.drain_timeout.as_ref();
    let drain = values::duration(written, "drain_timeout", Duration::from_millis(1), consequence, report);
    let drain = drain.unwrap_or(Topology::DRAIN_TIMEOUT);
    for timeout in file
        .actors
        .values()
        .filter_map(|actor| actor.timeout.as_ref())
        .filter(|timeout| timeout.value.0 > drain)
    {
        let message = format!(
            "an attempt may outlast the drain, which takes at most {}",
            humantime::format_duration(drain)
        );
        let finding = report.add(Rule::DrainTooShort, &timeout.span, message);
        finding
            .consequence(
                "a restart cuts off attempts that would have succeeded; they run again, from the beginning",
            )
            .cure("raise `drain_timeout` (and the platform's grace period) above it, or lower `timeout`");
        if let Some(written) = written {
            finding.related(&written.span, "the drain ends after this");
        }
    }
}

/// How long an instance may be silent. While it hangs, the server goes on delivering to it, as long as its last request
/// is open: half of this.
pub(super) fn failover(file: &File, actors: &[ActorDraft<'_>], report: &mut Report) -> Duration {
    let Some(written) = &file.failover else { return Topology::FAILOVER };
    let consequence =
        "a busy machine or a slow broker would look like a dead instance, and shards would go to and fro";
    let least = Topology::MIN_FAILOVER;
    let Some(failover) = values::duration(Some(written), "failover", least, consequence, report) else {
        return Topology::FAILOVER;
    };
    if failover > Topology::MAX_FAILOVER {
        let message = format!("`failover` is {}", humantime::format_duration(failover));
        report
            .add(Rule::OutOfRange, &written.span, message)
            .consequence("what a crashed instance had in hand would stand still that long")
            .cure(format!(
                "write at most `failover = \"{}\"`",
                humantime::format_duration(Topology::MAX_FAILOVER)
            ));
        return Topology::FAILOVER;
    }
    for actor in actors.iter().filter_map(|actor| actor.model.as_ref()).filter(|actor| actor.handovers > 0) {
        let longest = actor.ack_wait.saturating_mul(actor.handovers).saturating_mul(2);
        if failover > longest {
            report
                .add(
                    Rule::FailoverTooLong,
                    &written.span,
                    format!("`failover` is too long for actor `{}`", actor.name),
                )
                .consequence("while an instance hangs, the server would deliver to it until healthy messages are exhausted and become dead letters")
                .cure(format!(
                    "write at most `failover = \"{}\"`, or raise `ack_wait` or `handovers` of the actor",
                    humantime::format_duration(longest)
                ));
        }
    }
    failover
}

fn max_deliver(table: &ActorTable, report: &mut Report) -> u32 {
    match table.max_deliver.as_ref().filter(|written| written.value.0 == 0) {
        Some(written) => {
            report
                .add(Rule::NoDelivery, &written.span, "`max_deliver` is 0")
                .consequence(
                    "no message would get a single attempt; to the server it means attempts without end",
                )
                .cure("write `max_deliver = 1` for one attempt without retries");
            Actor::MAX_DELIVER
        }
        None => values::count(table.max_deliver.as_ref(), "max_deliver", Actor::MAX_DELIVER, MOST, report),
    }
}

fn handovers(table: &ActorTable, report: &mut Report) -> u32 {
    if let Some(written) = table.handovers.as_ref().filter(|written| written.value.0 == 0) {
        report
            .add(Rule::NoHandovers, &written.span, "`handovers` is 0")
            .consequence("a drain or a change of owner can use up the deliveries of a healthy message: it becomes a dead letter")
            .cure("leave it out: five deliveries are kept for restarts by default");
    }
    values::count(table.handovers.as_ref(), "handovers", Actor::HANDOVERS, MOST, report)
}

fn ack_wait(table: &ActorTable, report: &mut Report) -> Duration {
    let Some(written) = &table.ack_wait else {
        return Actor::ACK_WAIT;
    };
    let least = Actor::MIN_ACK_WAIT;
    if written.value.0 < least {
        report
            .add(Rule::AckWaitTooShort, &written.span, format!("`ack_wait` is {}", humantime::format_duration(written.value.0)))
            .consequence("a heartbeat that is a little late lets the server deliver a message again while its first attempt runs")
            .cure(format!(
                "write at least `ack_wait = \"{}\"`; it does not delay retries, those follow `backoff`",
                humantime::format_duration(least)
            ));
        return Actor::ACK_WAIT;
    }
    written.value.0
}

fn backoff(
    table: &ActorTable,
    order: Order,
    max_deliver: u32,
    ack_wait: Duration,
    report: &mut Report,
) -> Vec<Duration> {
    let longest = match order {
        Order::Entity => Duration::MAX,
        Order::None => ack_wait,
    };
    let Some(written) = &table.backoff else {
        return Actor::BACKOFF.into_iter().filter(|step| *step <= longest).collect();
    };
    let consequence =
        "a message that fails would use up its attempts in a moment, before what it waits for has recovered";
    if written.value.is_empty() {
        report
            .add(Rule::NoTime, &written.span, "`backoff` is empty")
            .consequence(consequence)
            .cure("write at least one step, or leave it out for the default");
    }
    for step in &written.value {
        values::duration(Some(step), "backoff", Duration::from_millis(1), consequence, report);
        if step.value.0 > longest {
            beyond_ack_wait(step, table, ack_wait, report);
        }
    }
    let used = (max_deliver as usize).saturating_sub(1);
    if let Some(first_unused) = written.value.get(used) {
        report
            .add(
                Rule::UnusedBackoff,
                &first_unused.span,
                format!("`backoff` has {} steps, but {max_deliver} attempts have {used} waits", written.value.len()),
            )
            .consequence("this step and what follows never happens: the message becomes a dead letter sooner than it looks")
            .cure(format!("remove it, or write `max_deliver = {}`", written.value.len() + 1));
    }
    written.value.iter().map(|step| step.value.0).collect()
}

fn beyond_ack_wait(step: &Located<Timespan>, table: &ActorTable, ack_wait: Duration, report: &mut Report) {
    let finding = report.add(
        Rule::BackoffBeyondAckWait,
        &step.span,
        format!(
            "with `order = \"none\"` a wait of {} is longer than `ack_wait`, {}",
            humantime::format_duration(step.value.0),
            humantime::format_duration(ack_wait)
        ),
    );
    finding
        .consequence("the server counts it as un-acked while it waits: when many fail at once they fill the window, and healthy ones wait behind")
        .cure(format!("raise it to `ack_wait = \"{}\"`, or shorten the step", humantime::format_duration(step.value.0)));
    if let Some(order) = &table.order {
        finding.related(&order.span, "waits happen on the server");
    }
}
