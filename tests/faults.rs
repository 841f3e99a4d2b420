//! Faults injected into whole runs, and judged by a checker that reads nothing but what the run left behind.

mod broker;
mod instances;
mod planted;
mod several;

use std::path::Path;

use support::NatsServer;
use support::faults::{Evidence, Setting, Stage, check};

const FIXTURE: &str = env!("CARGO_BIN_EXE_tidegate-fixture");

async fn stage(setting: Setting) -> Stage<NatsServer> {
    Stage::start(FIXTURE, NatsServer::start().await, setting).await
}

/// Fails when the run broke a promise; the first violations tell which.
#[track_caller]
fn assert_clean(evidence: &Evidence) {
    let violations = check(evidence);
    let told: Vec<String> = violations.iter().take(20).map(ToString::to_string).collect();
    if told.is_empty() {
        return;
    }
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("evidence-{}.json", evidence.healed.0));
    std::fs::write(&kept, serde_json::to_string(evidence).expect("evidence has string keys"))
        .expect("evidence can be kept");
    panic!("{} violations, see {}:\n{}", violations.len(), kept.display(), told.join("\n"));
}

/// How many attempts there were.
fn starts(evidence: &Evidence) -> usize {
    evidence.history.iter().filter(|line| line.event == support::faults::Event::Start).count()
}

/// How many attempts have no end: their process was killed.
fn interrupted(evidence: &Evidence) -> usize {
    2 * starts(evidence) - evidence.history.len()
}
