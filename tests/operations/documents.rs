//! What dashboards, rules and pages speak of exists.

use std::collections::BTreeSet;

use super::expressions::{metrics_in, of_dashboards};
use super::{repository, text};

/// The metrics and the labels that `docs/operations/metrics.md` lists, as Prometheus shows them.
pub(super) fn documented() -> (BTreeSet<String>, BTreeSet<String>) {
    let page = text("docs/operations/metrics.md");
    let (mut metrics, mut labels) = (BTreeSet::new(), BTreeSet::new());
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, name, _, kind, _, of, ..] = cells[..] else { continue };
        let name = name.trim_matches('`');
        if kind == "histogram" {
            metrics.extend(["bucket", "sum", "count"].map(|part| format!("{name}_{part}")));
        }
        metrics.insert(name.to_owned());
        labels.extend(of.split(", ").map(|label| label.trim_matches('`').to_owned()));
    }
    (metrics, labels)
}

#[test]
fn every_metric_that_dashboards_and_rules_ask_for_is_documented() {
    let (metrics, labels) = documented();
    let mut texts: Vec<(String, String)> =
        of_dashboards().into_iter().map(|expression| (expression.place, expression.text)).collect();
    for path in ["deploy/prometheus/rules/tidegate.yml", "deploy/kubernetes/overlays/production/scaling.yaml"]
    {
        texts.push((path.to_owned(), text(path)));
    }

    let unknown: Vec<String> = texts
        .iter()
        .flat_map(|(place, text)| {
            let unknown = metrics_in(text, &labels).into_iter().filter(|name| !metrics.contains(*name));
            unknown.map(move |name| format!("{place}: `{name}`"))
        })
        .collect();

    assert!(texts.len() > 40, "{} texts", texts.len());
    assert!(unknown.is_empty(), "not in docs/operations/metrics.md:\n{}", unknown.join("\n"));
}

#[test]
fn every_rule_leads_to_a_page_that_exists() {
    let rules = text("deploy/prometheus/rules/tidegate.yml");

    let pages: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("runbook: ")).collect();

    assert_eq!(pages.len(), rules.matches("- alert:").count(), "one for each rule");
    for page in pages {
        assert!(repository(page).is_file(), "{page} does not exist");
    }
}
