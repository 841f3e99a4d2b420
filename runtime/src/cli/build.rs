//! `tidegate build`: makes the program that has a topology's handlers linked in.
//!
//! It is a small crate of its own under the target directory, generated from `[handlers]` and built by Cargo.

mod cargo;
mod package;
mod surroundings;

use std::path::PathBuf;

use clap::Args;

use super::args::Global;
use super::exit::Exit;
use super::failure::Failure;
use super::output;
use crate::topology::{HandlerName, Topology};
use package::Package;
use surroundings::Surroundings;

/// What `tidegate build` understands.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The Cargo profile; by default the one that this program was built with.
    #[arg(long, value_name = "NAME", conflicts_with = "release")]
    profile: Option<String>,
    /// Short for `--profile release`.
    #[arg(long)]
    release: bool,
}

/// A Cargo profile, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Profile(String);

/// Why the program cannot be built.
#[derive(Debug, thiserror::Error)]
pub(super) enum BuildError {
    #[error("`{}` cannot be {action}", path.display())]
    File { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("`{program}` cannot be run")]
    NoCargo { program: String, source: std::io::Error },
    #[error("cargo cannot read the workspace around the topology: {told}")]
    Workspace { told: String },
    #[error("`{}` is no Cargo manifest", path.display())]
    Manifest { path: PathBuf, source: toml::de::Error },
    #[error(
        "the handler `{handler}` inherits its dependency from a workspace, which the program to be built is not in"
    )]
    Inherited { handler: HandlerName },
    #[error("the program does not compile")]
    Compile,
    #[error("cargo built no program")]
    NoProgram,
}

/// Builds the program and prints where it is.
pub(super) fn build(global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    let profile = match &arguments.profile {
        Some(name) => Profile(name.clone()),
        None if arguments.release => Profile("release".to_owned()),
        None => Profile::ours(),
    };
    let topology = global.load()?.topology;
    output::text(&program(global, &topology, &profile)?.display().to_string())?;
    Ok(Exit::Done)
}

/// The program that has the topology's handlers, built unless it is up to date.
pub(super) fn program(
    global: &Global,
    topology: &Topology,
    profile: &Profile,
) -> Result<PathBuf, BuildError> {
    let directory = match global.topology.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => ".".as_ref(),
    };
    let surroundings = Surroundings::of(directory)?;
    let package = Package::generate(topology, &surroundings)?;
    package.write()?;
    cargo::build(&package, &surroundings, profile)
}

impl Profile {
    /// The profile that this program was built with.
    pub(super) fn ours() -> Self {
        Self(if cfg!(debug_assertions) { "dev" } else { "release" }.to_owned())
    }
}

impl BuildError {
    fn cure(&self) -> &'static str {
        match self {
            Self::File { .. } => {
                "see whether the target directory can be written; CARGO_TARGET_DIR names another"
            }
            Self::NoCargo { .. } => {
                "install Rust (https://rustup.rs), or run a program that `tidegate build` made elsewhere"
            }
            Self::Workspace { .. } | Self::Manifest { .. } => "correct the Cargo.toml that cargo names",
            Self::Inherited { .. } => "write its `path` or `version` out under [handlers]",
            Self::Compile => {
                "correct what the compiler reports; a handler crate needs `pub fn handler(settings: Settings) -> Result<impl Handler>`"
            }
            Self::NoProgram => "remove the directory `tidegate` under the target directory, and build again",
        }
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let cure = error.cure();
        Self::new(Exit::Failed, error).cured_by(cure)
    }
}
