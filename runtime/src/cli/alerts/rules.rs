//! `tidegate alerts rules`: the thresholds of the topology as Prometheus rules.

use std::fmt::Write;
use std::time::Duration;

use crate::cli::args::Global;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::message::AlertName;
use crate::topology::{Actor, Topology};

/// Writes the rule file.
pub(super) fn rules(global: &Global) -> Result<Exit, Failure> {
    output::text(&render(&global.load()?.topology))?;
    Ok(Exit::Done)
}

/// A rule of Prometheus.
struct Rule {
    alert: &'static str,
    expression: String,
    lasting: Duration,
    severity: &'static str,
    summary: &'static str,
}

/// The same topology always comes to the same text.
fn render(topology: &Topology) -> String {
    let mut text = format!(
        "# Written by `tidegate alerts rules`: the thresholds of the topology `{}`.\ngroups:\n",
        topology.name
    );
    for actor in topology.actors.values() {
        let rules: Vec<Rule> = AlertName::ALL.into_iter().filter_map(|name| rule(actor, name)).collect();
        if rules.is_empty() {
            continue;
        }
        writeln!(text, "  - name: tidegate-{}-{}\n    rules:", topology.name, actor.name)
            .expect("a string takes all that is written to it");
        for rule in rules {
            write_rule(&mut text, topology, actor, &rule);
        }
    }
    text
}

fn write_rule(text: &mut String, topology: &Topology, actor: &Actor, rule: &Rule) {
    let Rule { alert, expression, lasting, severity, summary } = rule;
    let (topology, actor) = (&topology.name, &actor.name);
    write!(
        text,
        "      - alert: {alert}
        expr: '{expression}'
        for: {}s
        labels:
          severity: {severity}
          tidegate_topology: {topology}
        annotations:
          summary: 'actor {actor}: {summary}'
          description: '`tidegate status` shows which shard and partition; docs/operations/alerts.md what to do.'
",
        seconds(*lasting)
    )
    .expect("a string takes all that is written to it");
}

fn rule(actor: &Actor, name: AlertName) -> Option<Rule> {
    let alerts = &actor.alerts;
    let of = |metric: &str| format!("{metric}{{tidegate_actor=\"{}\"}}", actor.name);
    let (count, span) =
        (|count: Option<u64>| count, |span: Option<Duration>| span.map(|it| it.as_secs_f64()));
    let mut lasting = alerts.lasting;
    let (alert, expression, severity, summary) = match name {
        AlertName::QueueDepth => (
            "TidegateQueueDepth",
            format!(
                "max by (tidegate_actor) ({}) > {}",
                of("tidegate_queue_depth"),
                count(alerts.queue_depth)?
            ),
            "warning",
            "queue depth exceeding threshold: {{ $value }} events pending",
        ),
        AlertName::Lag => (
            "TidegateConsumerLag",
            format!("max by (tidegate_actor) ({}) > {}", of("tidegate_queue_lag_seconds"), span(alerts.lag)?),
            "warning",
            "consumer lag increasing: {{ $value | humanizeDuration }} behind",
        ),
        AlertName::Processing => (
            "TidegateProcessingTime",
            format!(
                "histogram_quantile(0.99, sum by (tidegate_actor, le) (rate({}[5m]))) > {}",
                of("messaging_process_duration_seconds_bucket"),
                span(alerts.processing)?
            ),
            "warning",
            "event processing time exceeding threshold: {{ $value | humanizeDuration }} for 1 of 100 attempts",
        ),
        AlertName::DeadLetters => (
            "TidegateDeadLetters",
            format!(
                "max by (tidegate_actor) ({}) > {}",
                of("tidegate_dead_letter_held"),
                count(alerts.dead_letters)?
            ),
            "critical",
            "dead letter queue overflow: {{ $value }} failed events",
        ),
        AlertName::DeadLetterRate => (
            "TidegateDeadLetterRate",
            format!(
                "max by (tidegate_actor) (rate({}[5m]) * 60) > {}",
                of("tidegate_dead_letter_written_total"),
                count(alerts.dead_letter_rate)?
            ),
            "critical",
            "dead letter rate exceeding threshold: {{ $value }} failed events a minute",
        ),
        AlertName::Blocked => {
            lasting += alerts.blocked?;
            (
                "TidegateBlocked",
                format!("sum by (tidegate_actor) ({}) > 0", of("tidegate_entity_blocked")),
                "critical",
                "{{ $value }} entities are blocked: the broker does not take what they emit",
            )
        }
        // The process sees it and says so; from outside an idle actor looks the same.
        AlertName::Stalled => {
            alerts.stalled?;
            lasting = Duration::ZERO;
            (
                "TidegateStalled",
                format!(
                    "max by (tidegate_actor) (tidegate_alert_raised{{tidegate_actor=\"{}\",tidegate_alert=\"stalled\"}}) > 0",
                    actor.name
                ),
                "critical",
                "actor stalled: events wait, and none is done",
            )
        }
        AlertName::Unknown => return None,
    };
    Some(Rule { alert, expression, lasting, severity, summary })
}

/// Whole seconds, rounded up.
fn seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::parse;

    /// What the shop's thresholds come to; promtool accepts it.
    const EXPECTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/alerts/rules/shop.yml");

    const SHOP: &str = r#"
        name = "shop"
        [handlers]
        payments = "1"
        [streams.ORDERS]
        subjects = ["orders.{order}.*"]
        max_bytes = "1GiB"
        max_age = "7d"
        replicas = 3
        [actors.payments]
        handler = "payments"
        stream = "ORDERS"
        subjects = ["orders.{order}.placed"]
        [actors.payments.alerts]
        queue_depth = 50_000
        lag = "30s"
        processing = "1500ms"
        dead_letters = 10_000
        dead_letter_rate = 60
        for = "500ms"
        [dead_letters]
        max_bytes = "1GiB"
        "#;

    #[test]
    fn every_threshold_is_a_rule() {
        let topology = parse("shop.toml", SHOP, &|_| None).expect("a valid topology").topology;

        let text = render(&topology);

        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(EXPECTED, &text).expect("the file can be written");
        }
        let expected = std::fs::read_to_string(EXPECTED).expect("the file is there");
        assert_eq!(text, expected, "run with UPDATE=1 if this is right");
    }
}
