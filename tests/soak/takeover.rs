//! Measures how long a shard stands still when its owner is killed, frozen or told to end: `./dev measure takeover`.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use support::NatsServer;
use support::faults::{
    Bounds, Event, Evidence, Load, Mix, Setting, Stage, Trouble, check, repeats_by_fault, take_overs,
};

use crate::round::{ENDLESS, SETTLING, fixture};

const INSTANCES: usize = 3;
const WINDOW: u64 = 1024;
const RATE: u32 = 300;

/// How often each of the three is done.
const TIMES: usize = 10;

/// A third of the attempts take 20 to 100 ms, so that something is in hand when the signal comes.
const MIX: Mix = Mix { slow: 3_333, ..Mix::PLAIN };

/// What is done to an owner.
#[derive(Debug, Clone, Copy)]
enum Signal {
    Kill,
    Stop,
    Terminate,
}

/// Plays the run and prints what it comes to: a table for people, JSON for programs.
pub(super) async fn measure() -> ExitCode {
    let evidence = play().await;
    let violations = check(&evidence);
    violations.iter().take(10).for_each(|violation| eprintln!("  {violation}"));
    let figures = figures(&evidence, violations.len());
    eprintln!("signal       shards   median     worst   repeats of one, at most");
    for (signal, of_one) in figures["signals"].as_object().into_iter().flatten() {
        eprintln!(
            "{signal:<10} {:>8} {:>5} ms {:>6} ms   {} of {} allowed",
            of_one["shards"],
            of_one["median_ms"],
            of_one["worst_ms"],
            of_one["repeats_worst"],
            figures["window"],
        );
    }
    println!("{figures:#}");
    ExitCode::from(u8::from(!violations.is_empty()))
}

async fn play() -> Evidence {
    let shards = u32::try_from(INSTANCES).expect("a handful");
    let bounds = Bounds { shards, window: WINDOW, ..Bounds::default() };
    let failover = bounds.failover;
    let setting = Setting { instances: INSTANCES, bounds, mix: MIX, ..Setting::default() };
    let mut stage = Stage::start(fixture(), NatsServer::start().await, setting).await;
    stage.publish(Load::of(ENDLESS).at_rate(RATE));
    for time in 0..TIMES {
        for signal in [Signal::Kill, Signal::Stop, Signal::Terminate] {
            let instance = owner(&mut stage, time % INSTANCES, failover).await;
            announce(time, signal, instance);
            match signal {
                Signal::Kill => stage.apply(Trouble::Kill { instance, absent: 3 * failover }).await,
                Signal::Stop => stage.apply(Trouble::Freeze { instance, still: 3 * failover }).await,
                Signal::Terminate => {
                    stage.drain(instance).await;
                    stage.pass(failover).await;
                    stage.fill(instance).await;
                }
            }
        }
    }
    stage.stop_publishing();
    stage.finish(SETTLING).await
}

/// Lets the shards find their places again, and returns who is to suffer: `wanted`, if it owns anything by then.
async fn owner(stage: &mut Stage<NatsServer>, wanted: usize, failover: Duration) -> usize {
    for _ in 0..5 {
        stage.pass(2 * failover).await;
        if stage.recent_workers(failover / 2).contains(&wanted) {
            return wanted;
        }
    }
    stage.last_worker().unwrap_or(wanted)
}

fn announce(time: usize, signal: Signal, instance: usize) {
    eprintln!("{:>2} of {TIMES}  {signal:?} to instance {instance}", time + 1);
}

/// From the evidence alone.
fn figures(evidence: &Evidence, violations: usize) -> Value {
    let taken = take_overs(evidence);
    let repeats = repeats_by_fault(evidence);
    let mut signals = BTreeMap::new();
    for name in ["kill", "freeze", "terminate"] {
        let is_one = |fault: usize| evidence.faults[fault].kind.name() == name;
        let of_kind: Vec<_> = taken.iter().filter(|taken| is_one(taken.fault)).collect();
        let mut times: Vec<u128> =
            of_kind.iter().filter_map(|taken| taken.after).map(|after| after.as_millis()).collect();
        times.sort_unstable();
        let repeated: Vec<usize> =
            repeats.iter().filter(|((fault, _), _)| is_one(*fault)).map(|(_, count)| *count).collect();
        signals.insert(
            name,
            json!({
                "shards": of_kind.len(),
                "never": of_kind.len() - times.len(),
                "median_ms": times.get(times.len() / 2),
                "worst_ms": times.last(),
                "times_ms": times,
                "repeats": repeated.iter().sum::<usize>(),
                "repeats_worst": repeated.iter().max().unwrap_or(&0),
            }),
        );
    }
    let attempts = evidence.history.iter().filter(|line| line.event == Event::Start).count();
    json!({
        "failover_ms": evidence.bounds.failover.as_millis(),
        "window": evidence.bounds.window,
        "messages": evidence.input.len(),
        "attempts": attempts,
        "violations": violations,
        "signals": signals,
    })
}
