//! The program: reads the command line, does what it says, and tells how it ended.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use super::args::{Cli, Command, LogFormat};
use super::exit::Exit;
use super::failure::Failure;
use super::{
    actors, alerts, apply, build, check, completions, dead_letters, demo, doctor, explain, graph, ingress,
    permissions, plan, publish, run, status, tap,
};
use crate::registry::Registry;
use crate::topology::Style;

/// The whole program, as the `main` of a binary that links handlers.
///
/// ```no_run
/// # use std::process::ExitCode;
/// # mod payments {
/// #     use tidegate::prelude::*;
/// #     pub fn handler(_: Settings) -> Result<impl Handler> { Ok(handler_fn(async |_: String| Ok(()))) }
/// # }
/// fn main() -> ExitCode {
///     tidegate_runtime::main(|registry| {
///         registry.add("payments", payments::handler);
///     })
/// }
/// ```
pub fn main(register: impl FnOnce(&mut Registry)) -> ExitCode {
    let mut registry = Registry::default();
    register(&mut registry);
    let cli = Cli::parse();
    let log_format = cli.global.log_format;
    match perform(cli, &registry) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            report(&failure, log_format);
            failure.exit().into()
        }
    }
}

fn perform(cli: Cli, registry: &Registry) -> Result<Exit, Failure> {
    let Cli { global, command } = cli;
    match command {
        Command::Check(arguments) => check::check(&global, &arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Graph(arguments) => graph::graph(&global, &arguments),
        Command::Build(arguments) => build::build(&global, &arguments),
        Command::Run(arguments) => run::run(&global, &arguments, registry),
        Command::Permissions(arguments) => permissions::permissions(&global, &arguments, registry),
        Command::Plan(arguments) => plan::plan(&global, &arguments, registry),
        Command::Apply(arguments) => apply::apply(&global, &arguments, registry),
        Command::Doctor(arguments) => doctor::doctor(&global, &arguments, registry),
        Command::Status(arguments) => status::status(&global, &arguments),
        Command::Top(arguments) => status::top::top(&global, &arguments),
        Command::Tap(arguments) => tap::tap(&global, &arguments),
        Command::Actors(command) => actors::actors(&global, &command),
        Command::Alerts(command) => alerts::alerts(&global, &command),
        Command::Demo(arguments) => demo::demo(&global, &arguments, registry),
        Command::Publish(arguments) => publish::publish(&global, &arguments),
        Command::DeadLetters(command) => dead_letters::dead_letters(&global, &command),
        Command::Ingress(command) => ingress::ingress(&global, &command),
        Command::Completions(arguments) => completions::completions(&arguments),
    }
}

fn report(failure: &Failure, format: LogFormat) {
    let mut stderr = io::stderr().lock();
    let text = match format {
        LogFormat::Text => failure.render(Style::of(&stderr)),
        LogFormat::Json => failure.to_json(),
    };
    // Nobody is left to be told when standard error is gone; the exit code still tells.
    drop(writeln!(stderr, "{}", text.trim_end()));
}
