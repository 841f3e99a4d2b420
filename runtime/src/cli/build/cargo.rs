//! Runs Cargo, where the topology lies, so that its toolchain and configuration apply.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::Deserialize;

use super::package::Package;
use super::surroundings::Surroundings;
use super::{BuildError, Profile};

/// A line of `cargo build --message-format json`.
#[derive(Debug, Deserialize)]
struct Line {
    executable: Option<PathBuf>,
}

/// What `cargo metadata` says about the workspace around `directory`.
pub(super) fn metadata(directory: &Path) -> Result<Vec<u8>, BuildError> {
    let mut command = cargo(directory);
    command.args(["metadata", "--no-deps", "--format-version", "1"]).stderr(Stdio::piped());
    let output = run(command)?;
    if !output.status.success() {
        return Err(BuildError::Workspace {
            told: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    Ok(output.stdout)
}

/// Builds the package and returns its program; progress and diagnostics go to standard error.
pub(super) fn build(
    package: &Package,
    surroundings: &Surroundings,
    profile: &Profile,
) -> Result<PathBuf, BuildError> {
    let mut command = cargo(&surroundings.directory);
    command
        .args(["build", "--message-format", "json-render-diagnostics", "--profile", &profile.0])
        .arg("--manifest-path")
        .arg(package.manifest_path())
        .arg("--target-dir")
        .arg(&surroundings.target)
        .stderr(Stdio::inherit());
    let output = run(command)?;
    if !output.status.success() {
        return Err(BuildError::Compile);
    }
    program(&output.stdout).ok_or(BuildError::NoProgram)
}

/// The only program among what was built: Cargo builds none for dependencies.
fn program(stdout: &[u8]) -> Option<PathBuf> {
    let lines =
        stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Line>(line).ok());
    lines.filter_map(|line| line.executable).next_back()
}

fn cargo(directory: &Path) -> Command {
    let mut command = Command::new(program_name());
    command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::piped());
    // Under `cargo run` these describe our own package; build scripts that watch them would run again, and all that
    // depends on them be compiled again.
    let describes_a_package =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(describes_a_package) {
            command.env_remove(name);
        }
    }
    command
}

fn run(mut command: Command) -> Result<Output, BuildError> {
    let spawned = command.spawn().and_then(std::process::Child::wait_with_output);
    spawned.map_err(|source| BuildError::NoCargo {
        program: program_name().to_string_lossy().into_owned(),
        source,
    })
}

fn program_name() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
