//! Measures what becomes of a producer that has five times as much to say as three stages can take:
//! `./dev measure flow`.
//!
//! The phases: the last stage alone, for its capacity; all stages fast; a minute of flood with the last one slow; all
//! fast again; the last one stopped dead, and going on. Afterwards everything that was admitted must have come out, in
//! order.

mod ingress;
mod judge;
mod load;
mod sample;
mod scene;
mod trouble;

use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use self::judge::Judgement;
use self::load::Load;
use self::sample::{Sample, Sampler};
use self::scene::{Pace, Scene};

pub(super) use self::ingress::measure as measure_ingress;
pub(super) use self::trouble::measure as measure_trouble;

const OPEN: Duration = Duration::from_secs(10);
const FLOOD: Duration = Duration::from_secs(60);
const FAST: Duration = Duration::from_secs(15);
const STANDSTILL: Duration = Duration::from_secs(30);
const AFTER: Duration = Duration::from_secs(20);

/// How many times its capacity the producer offers.
const OFFERED: f64 = 5.0;

/// What was measured, with the times at which the phases began, in seconds from the first sample.
#[derive(Debug)]
struct Run {
    capacity: f64,
    samples: Vec<Sample>,
    flood: f64,
    fast: f64,
    stopped: f64,
    resumed: f64,
}

/// Plays all phases and prints what they come to: a table for people, JSON for programs.
pub(super) async fn measure() -> ExitCode {
    let scene = Scene::start("").await;
    let capacity = scene.capacity().await;
    let offered = capacity * OFFERED;
    eprintln!("the last stage takes {capacity:.0} messages a second; {offered:.0} are offered");

    scene.set(Pace::Fast);
    let load = Load::start(&scene, offered).await;
    let looking = Sampler::start(&scene);
    tokio::time::sleep(OPEN).await;
    let flood = looking.now();
    scene.set(Pace::Slow);
    tokio::time::sleep(FLOOD).await;
    let fast = looking.now();
    scene.set(Pace::Fast);
    tokio::time::sleep(FAST).await;
    scene.set(Pace::Slow);
    tokio::time::sleep(FAST).await;
    let stopped = looking.now();
    scene.set(Pace::Stopped);
    tokio::time::sleep(STANDSTILL).await;
    let resumed = looking.now();
    scene.set(Pace::Slow);
    tokio::time::sleep(AFTER).await;
    let admitted = load.stop().await;
    scene.set(Pace::Fast);
    scene.settled(admitted).await;
    let ended = looking.now();
    let samples = looking.stop().await;

    let run = Run { capacity, samples, flood, fast, stopped, resumed };
    let judgement = Judgement::of(&run, &scene.outcome().await, admitted);
    sample::print(&run.samples);
    judgement.print();
    println!(
        "{:#}",
        json!({ "capacity": capacity, "offered": offered, "marks": scene::MARKS, "judgement": judgement,
                "phases": { "flood": flood, "fast": fast, "stopped": stopped, "resumed": resumed, "ended": ended },
                "samples": run.samples })
    );
    ExitCode::from(u8::from(!judgement.is_well()))
}
