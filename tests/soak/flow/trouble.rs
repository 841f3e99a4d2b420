//! Measures what becomes of a flood while things break: `./dev measure flow-in-trouble`.
//!
//! In the middle of a flood the bucket of the flows is deleted, the instance is killed and comes back, and the broker is
//! restarted. What was admitted must come out in order all the same.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;
use tidegate_producer::flow;

use super::OFFERED;
use super::judge::{Judgement, Line, at_most, depth, growth, outcome_lines};
use super::load::Load;
use super::sample::{self, Sample, Sampler};
use super::scene::{MARKS, Pace, Scene, TOPOLOGY, WINDOW};

const BETWEEN: Duration = Duration::from_secs(20);

/// For how long a producer may believe a flow that nobody renews: its `holds` while the stream is not open.
const HOLDS: u64 = 5;

/// How long the last stage may do nothing: the pin of a dead instance lapses after 5 s (`failover`), and it is claimed
/// back and looked at within a second.
const STANDSTILL: f64 = 6.0;

/// Plays it and prints what it comes to: a table for people, JSON for programs.
pub(in super::super) async fn measure() -> ExitCode {
    let mut scene = Scene::start("").await;
    let capacity = scene.capacity().await;
    let offered = capacity * OFFERED;
    eprintln!("the last stage takes {capacity:.0} messages a second; {offered:.0} are offered");

    let load = Load::start(&scene, offered).await;
    let looking = Sampler::start(&scene);
    tokio::time::sleep(BETWEEN).await;
    let deleted = looking.now();
    scene.jetstream.delete_key_value(flow::bucket(TOPOLOGY)).await.expect("the bucket is there");
    tokio::time::sleep(BETWEEN).await;
    let killed = looking.now();
    scene.crash();
    tokio::time::sleep(BETWEEN).await;
    let restarted = looking.now();
    scene.server.restart().await;
    tokio::time::sleep(BETWEEN).await;
    let admitted = load.stop().await;
    let quiet = looking.now();
    scene.set(Pace::Fast);
    scene.settled(admitted).await;
    let mut samples = looking.stop().await;
    samples.retain(|sample| sample.at < quiet);

    let judgement = judge(&samples, offered, outcome_lines(&scene.outcome().await, admitted));
    sample::print(&samples);
    judgement.print();
    println!(
        "{:#}",
        json!({ "capacity": capacity, "offered": offered, "admitted": admitted, "judgement": judgement,
                "troubles": { "bucket deleted": deleted, "instance killed": killed, "broker restarted": restarted },
                "samples": samples })
    );
    ExitCode::from(u8::from(!judgement.is_well()))
}

fn judge(samples: &[Sample], offered: f64, outcome: [Line; 3]) -> Judgement {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "thousands of messages")]
    let unseen = offered as u64 * HOLDS;
    let mut lines = vec![
        depth(
            samples,
            "deepest stream, messages: high mark + window + what is offered in 5 s",
            MARKS.1 + WINDOW + unseen,
        ),
        at_most("longest standstill of the last stage, seconds", standstill(samples), STANDSTILL),
        growth(samples),
    ];
    lines.extend(outcome);
    Judgement(lines)
}

/// The longest time between two looks that saw the last stage get on.
fn standstill(samples: &[Sample]) -> f64 {
    let (mut longest, mut last) = (0.0_f64, &samples[0]);
    for sample in samples {
        if sample.done > last.done {
            longest = longest.max(sample.at - last.at);
            last = sample;
        }
    }
    longest.max(samples[samples.len() - 1].at - last.at)
}
