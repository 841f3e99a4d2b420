//! Plays the cases: fills the streams, lets the contestants run in turn, and reports.

use std::process::ExitCode;

use async_nats::jetstream::Context;
use support::NatsServer;

use crate::arguments::Arguments;
use crate::case::{self, Case};
use crate::load::{Expected, Load};
use crate::measure::Run;
use crate::report::{self, Played, Report};
use crate::trial::Trial;

/// Plays the cases that were asked for.
pub(crate) async fn main(arguments: &Arguments) -> ExitCode {
    let mut cases = case::all(arguments.messages);
    if arguments.cases.iter().any(|name| name == "list") {
        for case in &cases {
            println!("{:<14} {}", case.name, case.about);
        }
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) = arguments.cases.iter().find(|name| cases.iter().all(|case| case.name != **name)) {
        eprintln!("error: there is no case `{unknown}`; `./dev bench list` tells them");
        return ExitCode::from(2);
    }
    if !arguments.cases.is_empty() {
        cases.retain(|case| arguments.cases.iter().any(|name| name == case.name));
    }
    if !arguments.only.is_empty() {
        for case in &mut cases {
            case.entries.retain(|entry| arguments.only.contains(&entry.label));
        }
    }
    let server = NatsServer::start().await;
    let mut stage = Stage { jetstream: server.jetstream().await, server, arguments, number: 0 };
    let version = stage.jetstream.client().server_info().version;
    let mut report = Report::new(arguments.runs, version);
    println!("{report}\n");
    for case in cases {
        let played = stage.play(case).await;
        println!("{played}");
        report.add(played);
    }
    if let Some(path) = &arguments.json
        && let Err(error) = std::fs::write(path, report.json())
    {
        eprintln!("error: {}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    ExitCode::from(u8::from(report.has_errors()))
}

/// The server that all runs share.
struct Stage<'a> {
    server: NatsServer,
    jetstream: Context,
    arguments: &'a Arguments,
    /// How many runs there were.
    number: usize,
}

impl Stage<'_> {
    async fn play(&mut self, case: Case) -> Played {
        eprintln!("── {}: {}", case.name, case.about);
        let loads = self.fill(&case).await;
        let mut runs: Vec<(String, Vec<Run>)> =
            case.entries.iter().map(|entry| (entry.label.clone(), Vec::new())).collect();
        let mut errors = Vec::new();
        let rounds = self.arguments.runs.min(case.most_runs);
        for round in 1..=rounds {
            for (entry, (label, runs)) in case.entries.iter().zip(&mut runs) {
                let (_, stream, expected) = loads
                    .iter()
                    .find(|(key, ..)| *key == (entry.load, entry.fails_every))
                    .expect("every load was filled");
                self.number += 1;
                let trial = Trial {
                    server: &self.server,
                    jetstream: &self.jetstream,
                    arguments: self.arguments,
                    entry,
                    stream,
                    expected: *expected,
                    number: self.number,
                };
                match trial.play().await {
                    Ok(run) => {
                        eprintln!("{round}/{rounds} {label}: {}", report::line(&run));
                        runs.push(run);
                    }
                    Err(error) => {
                        eprintln!("{round}/{rounds} {label}: error: {error}");
                        errors.push(format!("{label}: {error}"));
                    }
                }
            }
        }
        for (_, stream, _) in loads {
            // Loads that differ only in who fails share a stream, so it may be gone.
            drop(self.jetstream.delete_stream(&stream).await);
        }
        Played::new(&case, runs, errors)
    }

    /// Fills a stream for every load of the case, and reckons what each must come to.
    async fn fill(&self, case: &Case) -> Vec<((Load, u64), String, Expected)> {
        let mut filled: Vec<((Load, u64), String, Expected)> = Vec::new();
        for entry in &case.entries {
            let key = (entry.load, entry.fails_every);
            if filled.iter().any(|(known, ..)| *known == key) {
                continue;
            }
            let same = filled.iter().find(|((load, _), ..)| *load == entry.load);
            let stream = match same {
                Some((_, stream, _)) => stream.clone(),
                None => {
                    let stream = format!("load{}", filled.len());
                    eprintln!("storing {} messages of {} bytes", entry.load.messages, entry.load.size);
                    entry.load.store(&self.jetstream, &stream).await;
                    stream
                }
            };
            filled.push((key, stream, entry.load.expected(entry.fails_every)));
        }
        filled
    }
}
