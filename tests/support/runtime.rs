//! A runtime under test: the real binary, in a process of its own.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::Signal;
use crate::nats::{NatsServer, program};
use crate::process::{Process, resident_memory};

/// What a [`Runtime`] is started with. Cheap to clone: several instances can share one topology.
#[derive(Debug, Clone)]
pub struct RuntimeBuilder {
    program: PathBuf,
    directory: Arc<TempDir>,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

impl RuntimeBuilder {
    /// Replaces the arguments, `run` by default. The working directory holds the topology as `topology.toml`.
    #[must_use]
    pub fn args<I: IntoIterator<Item: Into<OsString>>>(mut self, arguments: I) -> Self {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Points the runtime at a server, through `NATS_URL`.
    #[must_use]
    pub fn nats(self, server: &NatsServer) -> Self {
        self.env("NATS_URL", server.url())
    }

    /// The working directory that all clones share; it holds the topology.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts the process.
    pub fn start(self) -> Runtime {
        let process = self.spawn();
        Runtime { builder: self, process }
    }

    /// The command that starts the process, with nothing said of where it reads and writes.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(self.directory.path());
        remove_inherited_settings(&mut command);
        command.env("NATS_SERVER", program());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn spawn(&self) -> Process {
        let directory = self.directory.path();
        let mut command = self.command();
        command.stdout(File::create(directory.join("stdout")).expect("a file can be made in the directory"));
        Process::spawn("runtime", &mut command, &directory.join("stderr"))
            .unwrap_or_else(|error| panic!("cannot run `{}`: {error}", self.program.display()))
    }
}

/// A running runtime, ended by its id when dropped; its log is printed when the test fails.
#[derive(Debug)]
pub struct Runtime {
    builder: RuntimeBuilder,
    process: Process,
}

impl Runtime {
    /// Prepares the program `binary` with this topology.
    ///
    /// The binary is known to the test target only: pass `env!("CARGO_BIN_EXE_tidegate-fixture")`. Variables of the
    /// surrounding environment that would change what the runtime does (`NATS_*`, `OTEL_*`, …) are not passed on.
    pub fn builder(binary: impl Into<PathBuf>, topology: &str) -> RuntimeBuilder {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        fs::write(directory.path().join("topology.toml"), topology).expect("the topology can be written");
        RuntimeBuilder {
            program: binary.into(),
            directory: Arc::new(directory),
            arguments: vec!["run".into()],
            environment: vec![("NO_COLOR".into(), "1".into())],
        }
    }

    /// The working directory: `topology.toml`, `stdout`, `stderr`.
    pub fn directory(&self) -> &Path {
        self.builder.directory.path()
    }

    /// The process itself.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// What it has written to standard output.
    pub fn stdout(&self) -> String {
        fs::read_to_string(self.directory().join("stdout")).expect("the file was made at the start")
    }

    /// What it has written to standard error.
    pub fn log(&self) -> Vec<String> {
        self.process.log()
    }

    /// How many lines of standard error contain `pattern`.
    pub fn count_log(&self, pattern: &str) -> usize {
        self.process.count_log(pattern)
    }

    /// Waits for a line of standard error that contains `pattern`, and returns the first.
    ///
    /// # Panics
    /// When there is none within [`PATIENCE`](crate::PATIENCE).
    pub async fn wait_for_log(&self, pattern: &str) -> String {
        self.process.wait_for_log(pattern).await
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Freezes the process: its connections stay open, it does nothing.
    pub fn freeze(&self) {
        self.process.freeze();
    }

    /// Ends a freeze.
    pub fn thaw(&self) {
        self.process.thaw();
    }

    /// Ends the process as a crash would, and returns when it is gone.
    pub fn kill9(&mut self) {
        self.process.kill9();
    }

    /// Starts the process again, after ending it if need be. Its log starts anew.
    pub fn restart(&mut self) {
        self.process.kill9();
        self.process = self.builder.spawn();
    }

    /// Waits until the process has ended by itself.
    ///
    /// # Panics
    /// When it is still running after `limit`.
    pub async fn wait_exit(&mut self, limit: Duration) -> ExitStatus {
        self.process.wait_exit(limit).await
    }

    /// Asks for a drain (SIGTERM) and waits until the process has ended.
    ///
    /// # Panics
    /// When it is still running after `limit`.
    pub async fn drain(&mut self, limit: Duration) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait_exit(limit).await
    }

    /// Resident memory in bytes. Linux only.
    pub fn resident_memory(&self) -> u64 {
        resident_memory(self.process.id()).expect("a running process has resident memory")
    }
}

fn remove_inherited_settings(command: &mut Command) {
    const PREFIXES: [&str; 4] = ["NATS_", "OTEL_", "TIDEGATE_", "RUST_LOG"];
    for (name, _) in env::vars_os() {
        let is_setting = PREFIXES.iter().any(|prefix| name.to_string_lossy().starts_with(prefix));
        if is_setting {
            command.env_remove(name);
        }
    }
}
