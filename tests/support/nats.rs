//! A private nats-server with JetStream.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use async_nats::jetstream;
use async_nats::{Client, ConnectOptions};
use nix::sys::signal::Signal;
use serde::Deserialize;
use tempfile::TempDir;

use crate::process::Process;
use crate::wait::{PATIENCE, eventually_some};

/// A nats-server of one test: its own port, its own store, ended when dropped.
///
/// The program is `$NATS_SERVER`, or the one that `./dev setup` put into `.tools/`, or the one on `PATH`.
#[derive(Debug)]
pub struct NatsServer {
    process: Process,
    directory: TempDir,
    port: u16,
}

impl NatsServer {
    /// Starts a server on a free port and returns when it takes connections.
    pub async fn start() -> Self {
        Self::with_config("").await
    }

    /// Starts a server with a configuration file of this text, for permissions, accounts, limits or TLS.
    ///
    /// Port, address and store are set on the command line and win over the text.
    pub async fn with_config(config: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        configure(directory.path(), config);
        let (process, port) = launch(directory.path(), None).await;
        Self { process, directory, port }
    }

    /// The URL for clients without credentials.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The port it listens on, the same after a restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's process: its log and its id.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Connects without credentials.
    pub async fn client(&self) -> Client {
        self.client_with(ConnectOptions::new()).await
    }

    /// Connects with credentials, TLS or an event callback.
    pub async fn client_with(&self, options: ConnectOptions) -> Client {
        options.connect(self.url()).await.expect("a private server takes connections")
    }

    /// Connects and gives a JetStream context.
    pub async fn jetstream(&self) -> jetstream::Context {
        jetstream::new(self.client().await)
    }

    /// Ends the server as a crash would; its store stays.
    pub fn kill9(&mut self) {
        self.process.kill9();
    }

    /// Starts the server again, after ending it if need be, on the same port and store.
    pub async fn restart(&mut self) {
        self.process.kill9();
        (self.process, _) = launch(self.directory.path(), Some(self.port)).await;
    }

    /// Gives the server another configuration, which it takes without a restart.
    pub fn reload(&self, config: &str) {
        configure(self.directory.path(), config);
        self.process.signal(Signal::SIGHUP);
    }

    /// Freezes the server: connections stay open, nothing is answered.
    pub fn freeze(&self) {
        self.process.freeze();
    }

    /// Ends a freeze.
    pub fn thaw(&self) {
        self.process.thaw();
    }
}

#[derive(Deserialize)]
struct Ports {
    nats: Vec<String>,
}

fn configure(directory: &Path, config: &str) {
    let text = format!("server_name: tests\n{config}\n");
    fs::write(config_path(directory), text).expect("the configuration can be written");
}

async fn launch(directory: &Path, port: Option<u16>) -> (Process, u16) {
    let mut command = Command::new(program());
    command.arg("--config").arg(config_path(directory));
    command.args(["--addr", "127.0.0.1", "--port", &port.map_or("-1".to_owned(), |port| port.to_string())]);
    command.arg("--ports_file_dir").arg(directory);
    command.arg("--jetstream").arg("--store_dir").arg(directory.join("store"));
    let mut process = spawn(command, directory);

    let written = directory.join(format!("nats-server_{}.ports", process.id()));
    let port = eventually_some(PATIENCE, async || {
        assert!(process.is_running(), "nats-server refused to start:\n{}", process.log().join("\n"));
        let ports: Ports = serde_json::from_slice(&fs::read(&written).ok()?).ok()?;
        ports.nats.first()?.rsplit(':').next()?.parse().ok()
    })
    .await;
    (process, port)
}

/// Starts the server that `command` is, with its log in `directory`.
pub(crate) fn spawn(mut command: Command, directory: &Path) -> Process {
    command.stdout(Stdio::null());
    Process::spawn("nats-server", &mut command, &directory.join("nats-server.log")).unwrap_or_else(|error| {
        panic!("cannot run `{}`: {error}; run `./dev setup`", command.get_program().display())
    })
}

/// Where the configuration of a server lies.
pub(crate) fn config_path(directory: &Path) -> PathBuf {
    directory.join("nats-server.conf")
}

/// The nats-server that all fixtures use.
pub(crate) fn program() -> PathBuf {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin/nats-server");
    match env::var_os("NATS_SERVER") {
        Some(program) => program.into(),
        None if fetched.exists() => fetched,
        None => "nats-server".into(),
    }
}
