//! `tidegate explain`: the long form of a rule of the topology.

use clap::Args;

use super::exit::Exit;
use super::failure::Failure;
use super::output;
use crate::topology::{Rule, Severity};

/// What `tidegate explain` understands.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The code of a rule, such as T007; all rules when left out.
    code: Option<String>,
}

/// Explains one rule, or lists all.
pub(super) fn explain(arguments: &Arguments) -> Result<Exit, Failure> {
    match &arguments.code {
        None => output::text(&list())?,
        Some(code) => output::text(find(code)?.explain())?,
    }
    Ok(Exit::Done)
}

fn find(code: &str) -> Result<Rule, Failure> {
    let unknown = || Failure::new(Exit::Usage, format!("there is no rule `{code}`"));
    Rule::from_code(code).ok_or_else(|| unknown().cured_by("`tidegate explain` lists all rules"))
}

fn list() -> String {
    let line = |rule: Rule| {
        let severity = match rule.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        format!("{rule}  {severity:<7}  {}", rule.title())
    };
    Rule::all().map(line).collect::<Vec<_>>().join("\n")
}
