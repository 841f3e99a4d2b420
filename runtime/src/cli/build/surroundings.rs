//! The Cargo workspace that a topology lies in, if it lies in one.

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Deserialize;

use super::BuildError;
use super::cargo;

/// Where the topology lies, and what the program to be built takes from there.
#[derive(Debug)]
pub(super) struct Surroundings {
    /// The directory of the topology file.
    pub(super) directory: PathBuf,
    /// Where Cargo puts what it builds.
    pub(super) target: PathBuf,
    /// `[profile]` and `[patch]` of the workspace; paths in them are absolute.
    pub(super) settings: toml::Table,
    /// The workspace's `Cargo.lock`, so that the same versions are linked that its tests have seen.
    pub(super) lock: Option<PathBuf>,
}

/// The part of `cargo metadata` that matters here.
#[derive(Debug, Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

impl Surroundings {
    /// Looks around `directory`.
    pub(super) fn of(directory: &Path) -> Result<Self, BuildError> {
        let directory = fs::canonicalize(directory).map_err(unreadable(directory))?;
        let in_package = directory.ancestors().any(|ancestor| ancestor.join("Cargo.toml").is_file());
        if !in_package {
            let target = match env::var_os("CARGO_TARGET_DIR") {
                Some(target) => directory.join(target),
                None => directory.join("target"),
            };
            return Ok(Self { directory, target, settings: toml::Table::new(), lock: None });
        }
        let told = cargo::metadata(&directory)?;
        let metadata: Metadata = serde_json::from_slice(&told)
            .map_err(|error| BuildError::Workspace { told: error.to_string() })?;
        let lock = metadata.workspace_root.join("Cargo.lock");
        Ok(Self {
            directory,
            target: metadata.target_directory,
            settings: settings(&metadata.workspace_root)?,
            lock: lock.is_file().then_some(lock),
        })
    }
}

fn settings(workspace: &Path) -> Result<toml::Table, BuildError> {
    let path = workspace.join("Cargo.toml");
    let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
    let manifest: toml::Table = text.parse().map_err(|source| BuildError::Manifest { path, source })?;
    let inherited = manifest.into_iter().filter(|(key, _)| key == "profile" || key == "patch");
    let mut settings: toml::Table = inherited.collect();
    let patches = settings.get_mut("patch").and_then(toml::Value::as_table_mut);
    for source in
        patches.into_iter().flat_map(toml::Table::iter_mut).filter_map(|(_, patch)| patch.as_table_mut())
    {
        for (_, dependency) in source.iter_mut() {
            make_absolute(dependency, workspace);
        }
    }
    Ok(settings)
}

/// Makes the `path` of a dependency, if it has one, independent of the file that it stands in.
pub(super) fn make_absolute(dependency: &mut toml::Value, directory: &Path) {
    let path = dependency.as_table_mut().and_then(|table| table.get_mut("path"));
    if let Some(toml::Value::String(path)) = path {
        *path = directory.join(path.as_str()).to_string_lossy().into_owned();
    }
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> BuildError {
    let path = path.to_owned();
    move |source| BuildError::File { action: "read", path, source }
}
