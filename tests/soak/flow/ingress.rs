//! Measures what the HTTP ingress says to a flood, with the load generator oha: `./dev measure ingress`.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::process::Command;

use super::OFFERED;
use super::judge::{Judgement, at_least, at_most, depth, growth, within};
use super::sample::{self, Sample, Sampler, rate};
use super::scene::{MARKS, Pace, Scene, WINDOW};

const INGRESS: &str = r#"
[ingress]
listen = "127.0.0.1:0"

[ingress.routes.first]
path = "/first/{entity}"
subject = "first.{entity}"
"#;

const FLOOD: Duration = Duration::from_secs(60);

/// How long after the flood began the rate counts as settled, in seconds.
const SETTLED: f64 = 20.0;

const CONNECTIONS: u32 = 64;

/// What oha reports of it, as far as it is judged.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answers {
    status_code_distribution: BTreeMap<u16, u64>,
    error_distribution: BTreeMap<String, u64>,
}

/// Plays it and prints what it comes to: a table for people, JSON for programs.
pub(in super::super) async fn measure() -> ExitCode {
    let scene = Scene::start(INGRESS).await;
    let capacity = scene.capacity().await;
    let offered = capacity * OFFERED;
    eprintln!("the last stage takes {capacity:.0} messages a second; {offered:.0} requests are offered");

    let looking = Sampler::start(&scene);
    let answers = flood(&address(&scene).await, offered).await;
    let accepted = answers.with(202);
    scene.set(Pace::Fast);
    scene.settled(accepted).await;
    let samples = looking.stop().await;
    let came_out: usize = scene.outcome().await.values().map(Vec::len).sum();

    let judgement = judge(&samples, capacity, &answers, came_out);
    sample::print(&samples);
    judgement.print();
    println!(
        "{:#}",
        json!({ "capacity": capacity, "offered": offered, "answers": answers, "judgement": judgement,
                "samples": samples })
    );
    ExitCode::from(u8::from(!judgement.is_well()))
}

async fn address(scene: &Scene) -> String {
    let line = scene.runtime.wait_for_log("the ingress takes events").await;
    let address = line.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next());
    address.expect("the line tells the address").to_owned()
}

/// Posts events of a thousand entities, as many a second, whatever is answered.
async fn flood(address: &str, rate: f64) -> Answers {
    let program = env::var_os("OHA").unwrap_or_else(|| OsString::from("oha"));
    let mut command = Command::new(&program);
    command.args(["--no-tui", "--output-format", "json", "--wait-ongoing-requests-after-deadline"]);
    command.args(["-z", &format!("{}s", FLOOD.as_secs()), "-q", &format!("{rate:.0}")]);
    command.args([
        "-c",
        &CONNECTIONS.to_string(),
        "-m",
        "POST",
        "-T",
        "application/json",
        "-d",
        r#"{"id":0}"#,
    ]);
    command.args(["--rand-regex-url", &format!("http://{address}/first/e[0-9][0-9][0-9]")]);
    let output = command.stderr(Stdio::inherit()).kill_on_drop(true).output().await;
    let output = output.unwrap_or_else(|error| panic!("cannot run `{}`: {error}", program.display()));
    serde_json::from_slice(&output.stdout).expect("oha reports what it did")
}

impl Answers {
    fn with(&self, status: u16) -> u64 {
        self.status_code_distribution.get(&status).copied().unwrap_or(0)
    }

    fn besides(&self, statuses: &[u16]) -> u64 {
        let others = self.status_code_distribution.iter().filter(|(status, _)| !statuses.contains(status));
        others.map(|(_, count)| count).sum::<u64>() + self.error_distribution.values().sum::<u64>()
    }
}

fn judge(samples: &[Sample], capacity: f64, answers: &Answers, came_out: usize) -> Judgement {
    let flood: Vec<&Sample> =
        samples.iter().filter(|it| it.at >= SETTLED && it.at < FLOOD.as_secs_f64()).collect();
    let (first, last) = (flood[0], flood[flood.len() - 1]);
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let [refused, others, difference] = [
        answers.with(429) as f64,
        answers.besides(&[202, 429]) as f64,
        answers.with(202).abs_diff(came_out as u64) as f64,
    ];
    Judgement(vec![
        within(
            "admitted in the flood, of the capacity, off by at most 10 %",
            rate(first, last, |sample| sample.admitted) / capacity,
            0.9..=1.1,
        ),
        at_least("the last stage is busy, of its capacity", rate(first, last, |it| it.done) / capacity, 0.9),
        at_least("answers 429", refused, 1.0),
        at_most("answers but for 202 and 429, and requests without an answer", others, 0.0),
        at_most("difference of answers 202 and messages that came out", difference, 0.0),
        depth(samples, "deepest stream, messages: high mark + window", MARKS.1 + WINDOW),
        growth(samples),
    ])
}
