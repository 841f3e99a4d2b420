//! Breaks instances and broker at random and judges every round, `./dev soak`, or measures: `./dev measure`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]

mod arguments;
mod flow;
mod instances;
mod producer;
mod report;
mod round;
mod takeover;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use support::faults::{Evidence, check};

use arguments::{Arguments, Work};
use report::Report;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(complaint) => {
            eprintln!("error: {complaint}\n\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    match &arguments.work {
        Work::Soak => soak(&arguments),
        Work::Check(path) => judge_again(path),
        Work::Takeover => runtime().block_on(takeover::measure()),
        Work::Flow => runtime().block_on(flow::measure()),
        Work::FlowInTrouble => runtime().block_on(flow::measure_trouble()),
        Work::Ingress => runtime().block_on(flow::measure_ingress()),
        Work::Instances => runtime().block_on(instances::measure()),
        Work::Producer => runtime().block_on(producer::measure()),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("a Tokio runtime can be made")
}

/// Judges the evidence of a round that was kept.
fn judge_again(path: &std::path::Path) -> ExitCode {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let evidence: Evidence = serde_json::from_str(&text).expect("the file is a round's evidence");
    let violations = check(&evidence);
    for violation in &violations {
        println!("{violation}");
    }
    println!("{} violations", violations.len());
    ExitCode::from(u8::from(!violations.is_empty()))
}

fn soak(arguments: &Arguments) -> ExitCode {
    println!(
        "seed {}: `./dev soak --seed {0} --minutes {1}` repeats the faults",
        arguments.seed, arguments.minutes
    );
    let runtime = runtime();
    let end = Instant::now() + Duration::from_secs(arguments.minutes * 60);
    let mut report = Report::default();
    let mut number = 0;
    while Instant::now() < end {
        let round = round::Round { arguments, number };
        let (evidence, spent) = runtime.block_on(round.play());
        let violations = check(&evidence);
        if !violations.is_empty() {
            let kept = round.keep(&evidence);
            violations.iter().take(10).for_each(|violation| eprintln!("  {violation}"));
            eprintln!("  {} violations; the evidence is in {}", violations.len(), kept.display());
        }
        report.add(&evidence, violations.len(), spent);
        number += 1;
    }
    println!("{report}");
    ExitCode::from(u8::from(report.has_violations()))
}
