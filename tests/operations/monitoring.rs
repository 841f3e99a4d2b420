//! A real Prometheus scrapes a real run, answers the dashboards, and warns.

use serde_json::{Value, json};
use support::{NatsServer, PATIENCE, Prometheus, Runtime, eventually};

use super::documents::documented;
use super::expressions::{metrics_in, of_dashboards};
use super::text;
use crate::metrics::admin_of;
use crate::workload::{Workload, publish_tasks};

const ENDED: &str = "sum(tidegate_message_ended_total)";

/// What a run in which nothing is wrong with broker, instances and limits has no series of.
const MAY_BE_MISSING: [&str; 5] = [
    "tidegate_alert_raised",
    "tidegate_bottleneck",
    "tidegate_flow_state",
    "tidegate_heartbeat_renewals_total",
    "tidegate_mailbox_full_duration_seconds",
];

fn may_be_missing(metric: &str) -> bool {
    MAY_BE_MISSING.contains(&metric)
}

/// A runtime at work and the Prometheus that watches it.
struct Watched {
    server: NatsServer,
    runtime: Runtime,
    prometheus: Prometheus,
}

impl Watched {
    /// `None` when there is to be no Prometheus.
    async fn start() -> Option<Self> {
        let server = NatsServer::start().await;
        let actor = "max_deliver = 2\nbackoff = [\"20ms\"]\ntimeout = \"2s\"";
        let workload = Workload::new(&server, "script", actor).env("TIDEGATE_ADMIN", "127.0.0.1:0");
        let runtime = workload.start().await;
        let address = admin_of(&runtime).await;
        let prometheus = Prometheus::start(&config(&address), &rules()).await?;
        Some(Self { server, runtime, prometheus })
    }

    /// 24 tasks that are done, fail, panic, time out and give up, a quarter each; done, and seen, when this returns.
    async fn work(&self) {
        let before = self.prometheus.number(ENDED).await.unwrap_or_default();
        let task = |id: u32| match id % 4 {
            0 => json!({ "id": id, "emits": true }),
            1 => json!({ "id": id, "emits": true, "fails": 1 }),
            2 => json!({ "id": id, "fails": 9, "how": "hang" }),
            _ => json!({ "id": id, "fails": 9, "how": "panic_text" }),
        };
        publish_tasks(&self.server, (0..24).map(|id| (id.to_string(), task(id)))).await;
        let all = before + 24.0;
        eventually(PATIENCE, async || self.prometheus.number(ENDED).await == Some(all)).await;
    }

    async fn is_firing(&self, alert: &str) -> bool {
        let expression = format!("ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}}");
        self.prometheus.query(&expression).await.is_ok_and(|alerts| !alerts.is_empty())
    }
}

/// The configuration that ships, for that endpoint and in a hurry.
fn config(address: &str) -> String {
    let shipped = text("deploy/prometheus/prometheus.yml");
    assert!(shipped.contains("tidegate:9464") && shipped.contains(": 15s"), "{shipped}");
    shipped.replace("tidegate:9464", address).replace(": 15s", ": 250ms")
}

/// The rules that ship, in a hurry.
fn rules() -> String {
    let shipped = text("deploy/prometheus/rules/tidegate.yml");
    shipped.lines().filter(|line| !line.trim().starts_with("for: ")).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_answers_every_expression_of_the_dashboards_and_rules() {
    let Some(mut watched) = Watched::start().await else { return };
    let (_, labels) = documented();

    // Twice, since a rate needs a series that was there before.
    watched.work().await;
    watched.work().await;
    let mut refused = Vec::new();
    for expression in of_dashboards() {
        let asked = metrics_in(&expression.text, &labels);
        let may_be_empty = asked.iter().any(|metric| may_be_missing(metric));
        match watched.prometheus.query(&expression.text).await {
            Err(error) => refused.push(format!("{}: `{}`: {error}", expression.place, expression.text)),
            Ok(series) if series.is_empty() && !may_be_empty && !asked.is_empty() => {
                refused.push(format!("{}: nothing for `{}`", expression.place, expression.text));
            }
            Ok(_) => {}
        }
    }
    for rule in watched.prometheus.rules().await {
        let expression = rule["query"].as_str().unwrap_or_default();
        if rule["health"] == "err" {
            refused.push(format!("{}: {}", rule["name"], rule["lastError"]));
        }
        for metric in metrics_in(expression, &labels) {
            let has_series = watched.prometheus.number(&format!("count({metric})")).await.is_some();
            if !has_series && !may_be_missing(metric) {
                refused.push(format!("{}: there is no `{metric}`", rule["name"]));
            }
        }
    }

    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(watched.runtime.drain(PATIENCE).await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_fires_the_alerts_that_ship() {
    let Some(mut watched) = Watched::start().await else { return };

    watched.work().await;
    let at_rest: Vec<Value> =
        watched.prometheus.query("ALERTS{alertname=\"TidegateDown\"}").await.expect("a result");
    watched.work().await;
    for alert in ["TidegateAttemptsTimeOut", "TidegateDeadLetterRate"] {
        eventually(PATIENCE, async || watched.is_firing(alert).await).await;
    }
    assert!(watched.runtime.drain(PATIENCE).await.success());
    eventually(PATIENCE, async || watched.is_firing("TidegateDown").await).await;

    assert!(at_rest.is_empty(), "{at_rest:?}");
}
