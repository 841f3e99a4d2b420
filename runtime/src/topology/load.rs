//! Reads a topology file: text, then keys and types, then meaning. All that is wrong is told at once.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;

use super::conform::conform;
use super::error::Rejected;
use super::finding::Finding;
use super::model::Topology;
use super::report::Report;
use super::rule::Rule;
use super::schema::File;
use super::validate::validate;

/// A topology that can run.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The topology.
    pub topology: Topology,
    /// What one should know about it all the same, in the order of the file.
    pub warnings: Vec<Finding>,
}

/// Reads and checks the file at `path`; `env` resolves `${VAR}`.
///
/// Paths under `[nats]` and `[ingress]` come back relative to the working directory; those of handlers stay relative to the file.
///
/// # Errors
/// With all that is wrong, when the file cannot be read or is no valid topology.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Checked, Rejected> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| unreadable(&name, &error.to_string()))?;
    let mut checked = parse_bytes(&name, bytes, env)?;
    if let Some(directory) = path.parent() {
        checked.topology.nats.rebase(directory);
        checked.topology.admin.rebase(directory);
        if let Some(ingress) = &mut checked.topology.ingress {
            ingress.rebase(directory);
        }
    }
    Ok(checked)
}

/// Checks the text of a topology file that is shown as `name`; `env` resolves `${VAR}`.
///
/// # Errors
/// With all that is wrong, when it is no valid topology.
pub fn parse(name: &str, text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Checked, Rejected> {
    let mut report = Report::new(name, text);
    let topology = read(text, env, &mut report).and_then(|file| validate(&file, &mut report));
    let (source, findings) = report.finish();
    match topology {
        Some(topology) => Ok(Checked { topology, warnings: findings }),
        None => Err(Rejected::new(&source, findings)),
    }
}

pub(super) fn parse_bytes(
    name: &str,
    bytes: Vec<u8>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Checked, Rejected> {
    match String::from_utf8(bytes) {
        Ok(text) => parse(name, &text, env),
        Err(error) => Err(unreadable(name, &error.to_string())),
    }
}

/// The file with whatever is broken in it left out, or nothing when it is not even TOML.
fn read(text: &str, env: &dyn Fn(&str) -> Option<String>, report: &mut Report) -> Option<File> {
    let (mut document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or_default();
        report
            .add(Rule::NotToml, &span, error.message())
            .consequence("nothing else in the file can be checked until this is valid TOML")
            .cure("correct the line; strings need quotes, and a key stands only once in its table");
    }
    if !errors.is_empty() {
        return None;
    }
    conform(&mut document, env, report);
    deserialize(document, report)
}

fn deserialize(document: Spanned<DeTable<'_>>, report: &mut Report) -> Option<File> {
    match File::deserialize(toml::Deserializer::from(document)) {
        Ok(file) => Some(file),
        Err(error) => {
            report
                .add(Rule::WrongType, &error.span().unwrap_or_default(), error.message())
                .consequence("the value cannot be used, so the topology cannot start")
                .cure("see the reference of this key for the values it takes");
            None
        }
    }
}

fn unreadable(name: &str, problem: &str) -> Rejected {
    let mut report = Report::new(name, "");
    report
        .add(Rule::Unreadable, &(0..0), format!("{name} cannot be read: {problem}"))
        .consequence("there is no topology to run")
        .cure("name an existing UTF-8 file, with `--topology FILE` or by running in its directory");
    let (source, findings) = report.finish();
    Rejected::new(&source, findings)
}
