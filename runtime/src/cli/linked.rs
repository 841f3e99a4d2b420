//! Sees to it that the program which runs a topology has the topology's handlers linked in.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::args::Global;
use super::build::{self, Profile};
use super::exit::Exit;
use super::failure::Failure;
use crate::registry::Registry;
use crate::topology::{HandlerName, Topology};

/// Set for a program that was built for its topology, so that it never builds itself again and again.
const BUILT: &str = "TIDEGATE_BUILT";

/// Returns when this program has all handlers of the topology; else builds the program that has, and becomes it, with
/// the same arguments.
pub(super) fn ensure(global: &Global, topology: &Topology, registry: &Registry) -> Result<(), Failure> {
    let Some(missing) = missing(topology, registry) else { return Ok(()) };
    if env::var_os(BUILT).is_some() {
        let problem =
            format!("the program that was built for `{}` lacks the handler `{missing}`", topology.name);
        return Err(
            Failure::new(Exit::Failed, problem).cured_by("run it with the topology that it was built for")
        );
    }
    if !topology.handlers.contains_key(missing) {
        let problem =
            format!("the handler `{missing}` is neither linked into this program nor under [handlers]");
        let cure = format!("add `{missing} = {{ path = \"…\" }}` under [handlers]");
        return Err(Failure::new(Exit::Rejected, problem).cured_by(cure));
    }
    let program = build::program(global, topology, &Profile::ours())?;
    let error = Command::new(&program).args(env::args_os().skip(1)).env(BUILT, topology.name.as_str()).exec();
    let problem = format!("`{}` cannot be run: {error}", program.display());
    Err(Failure::new(Exit::Failed, problem))
}

fn missing<'a>(topology: &'a Topology, registry: &Registry) -> Option<&'a HandlerName> {
    let mut needed = topology.actors.values().map(|actor| &actor.handler);
    needed.find(|handler| registry.find(handler.as_str()).is_none())
}
