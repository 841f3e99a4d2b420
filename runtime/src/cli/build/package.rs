//! The crate that links a topology's handlers: generated, never edited.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use toml::{Table, Value};

use super::BuildError;
use super::surroundings::{Surroundings, make_absolute};
use crate::topology::{HandlerName, Topology};

/// The crate as it shall be.
#[derive(Debug)]
pub(super) struct Package {
    /// Where it lies.
    pub(super) directory: PathBuf,
    manifest: String,
    main: String,
    lock: Option<PathBuf>,
}

impl Package {
    /// The crate for `topology`.
    pub(super) fn generate(topology: &Topology, surroundings: &Surroundings) -> Result<Self, BuildError> {
        Ok(Self {
            directory: surroundings.target.join("tidegate").join(topology.name.as_str()),
            manifest: manifest(topology, surroundings)?,
            main: main(topology.handlers.keys()),
            lock: surroundings.lock.clone(),
        })
    }

    /// Its manifest's path.
    pub(super) fn manifest_path(&self) -> PathBuf {
        self.directory.join("Cargo.toml")
    }

    /// Writes what is not there yet: a file that stays untouched is not compiled again.
    pub(super) fn write(&self) -> Result<(), BuildError> {
        let source = self.directory.join("src");
        fs::create_dir_all(&source).map_err(unwritable(&source))?;
        update(&self.manifest_path(), &self.manifest)?;
        update(&source.join("main.rs"), &self.main)?;
        match &self.lock {
            Some(lock) => copy_newer(lock, &self.directory.join("Cargo.lock")),
            None => Ok(()),
        }
    }
}

fn manifest(topology: &Topology, surroundings: &Surroundings) -> Result<String, BuildError> {
    let mut dependencies = Table::new();
    dependencies.insert("tidegate-runtime".to_owned(), runtime());
    for (handler, dependency) in &topology.handlers {
        if dependency.get("workspace").is_some() {
            return Err(BuildError::Inherited { handler: handler.clone() });
        }
        let mut dependency = dependency.clone();
        make_absolute(&mut dependency, &surroundings.directory);
        dependencies.insert(handler.to_string(), dependency);
    }
    let package = Table::from_iter([
        ("name".to_owned(), Value::from(format!("tidegate-{}", topology.name))),
        ("version".to_owned(), Value::from("0.0.0")),
        ("edition".to_owned(), Value::from("2024")),
        ("publish".to_owned(), Value::from(false)),
    ]);
    let mut manifest = Table::from_iter([
        ("package".to_owned(), Value::from(package)),
        ("dependencies".to_owned(), Value::from(dependencies)),
        // Keeps Cargo from taking the crate for a forgotten member of the workspace around it.
        ("workspace".to_owned(), Value::from(Table::new())),
    ]);
    manifest.extend(surroundings.settings.clone());
    Ok(format!("# Generated from `[handlers]` by `tidegate build`.\n{manifest}"))
}

/// The runtime that this program is made of: its source where that is at hand, else the same version.
fn runtime() -> Value {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (key, value) = if source.join("Cargo.toml").is_file() {
        ("path", source.to_string_lossy().into_owned())
    } else {
        ("version", format!("={}", env!("CARGO_PKG_VERSION")))
    };
    Value::from(Table::from_iter([(key.to_owned(), Value::from(value))]))
}

fn main<'a>(handlers: impl Iterator<Item = &'a HandlerName>) -> String {
    let mut lines = String::new();
    for handler in handlers {
        let module = handler.as_str().replace('-', "_");
        writeln!(lines, "        registry.add({:?}, {module}::handler);", handler.as_str())
            .expect("a string takes all that is written to it");
    }
    format!(
        "//! Generated from `[handlers]` by `tidegate build`.\n\n\
         fn main() -> std::process::ExitCode {{\n    \
             tidegate_runtime::main(|registry| {{\n{lines}    }})\n\
         }}\n"
    )
}

fn update(path: &Path, text: &str) -> Result<(), BuildError> {
    match fs::read_to_string(path) {
        Ok(existing) if existing == text => Ok(()),
        _ => fs::write(path, text).map_err(unwritable(path)),
    }
}

/// Copies the lock file when it has changed since: Cargo itself strikes from the copy what the program does not need.
fn copy_newer(from: &Path, to: &Path) -> Result<(), BuildError> {
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    if modified(to) >= modified(from) {
        return Ok(());
    }
    // A copy of the time, too, would make the next comparison depend on the clock of another machine.
    fs::read(from).and_then(|lock| fs::write(to, lock)).map_err(unwritable(to))
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    let path = path.to_owned();
    move |source| BuildError::File { action: "written", path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_each_handler_under_its_name() {
        let names =
            ["payments", "stock-keeping"].map(|name| name.parse::<HandlerName>().expect("a valid name"));

        let text = main(names.iter());

        assert_eq!(
            text.lines().skip(2).collect::<Vec<_>>(),
            [
                "fn main() -> std::process::ExitCode {",
                "    tidegate_runtime::main(|registry| {",
                "        registry.add(\"payments\", payments::handler);",
                "        registry.add(\"stock-keeping\", stock_keeping::handler);",
                "    })",
                "}",
            ]
        );
    }

    #[test]
    fn only_newer_lock_files_are_copied() {
        let directory = tempfile::tempdir().expect("a directory");
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        fs::write(&from, "old").expect("a file");

        copy_newer(&from, &to).expect("a copy");
        fs::write(&to, "pruned by cargo").expect("a file");
        copy_newer(&from, &to).expect("a copy");

        assert_eq!(fs::read_to_string(&to).expect("a file"), "pruned by cargo");
    }
}
