//! The child process.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use tempfile::TempDir;
use tracing::{info, warn};

use super::{EmbeddedError, binary};

/// How long the server may take until it listens: a large store is read first.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How often we look whether it listens.
const START_INTERVAL: Duration = Duration::from_millis(5);

/// How long the server may take to stop before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of the server's log an error shows.
const LOG_LINES: usize = 5;

/// A running nats-server that nobody else knows; dropping it ends it.
///
/// A process that is killed cannot end it. The next one that wants the same store is then refused and told the id of
/// the server, because that holds the lock itself.
#[derive(Debug)]
pub struct Embedded {
    url: String,
    pid: Pid,
    exit: mpsc::Receiver<io::Result<ExitStatus>>,
    store: PathBuf,
    /// Holds the log and, unless another place was asked for, the store.
    directory: TempDir,
}

impl Embedded {
    /// Starts a server on a free port of the loopback interface and waits until it listens.
    ///
    /// It keeps its streams in `store`, or in a temporary directory that goes when it ends.
    pub async fn start(store: Option<PathBuf>) -> Result<Self, EmbeddedError> {
        let here = std::env::current_dir().unwrap_or_default();
        let program = binary::find(&|name| std::env::var_os(name), &here)?;
        let directory = tempfile::Builder::new()
            .prefix("tidegate-nats-")
            .tempdir()
            .map_err(|source| EmbeddedError::Io { path: std::env::temp_dir(), source })?;
        let store = store.unwrap_or_else(|| directory.path().join("store"));
        let child = spawn(&program, directory.path(), &store)?;
        let pid = Pid::from_raw(child.id().cast_signed());
        let mut embedded = Self { url: String::new(), pid, exit: reap(child), store, directory };
        embedded.url = embedded.listening().await?;
        info!(url = embedded.url, store = %embedded.store.display(), "private nats-server started");
        Ok(embedded)
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it keeps its streams.
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw().cast_unsigned()
    }

    async fn listening(&self) -> Result<String, EmbeddedError> {
        let ports = self.directory.path().join(format!("nats-server_{}.ports", self.pid));
        let started = Instant::now();
        while started.elapsed() < START_TIMEOUT && self.exit.try_recv().is_err() {
            if let Some(url) = fs::read(&ports).ok().and_then(|text| Ports::first(&text)) {
                return Ok(url);
            }
            tokio::time::sleep(START_INTERVAL).await;
        }
        Err(EmbeddedError::Start { log: log_tail(self.directory.path()) })
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            // Anything but silence means that the process is gone: its id may belong to another one.
            if !matches!(self.exit.try_recv(), Err(mpsc::TryRecvError::Empty)) {
                return;
            }
            if let Err(error) = kill(self.pid, signal) {
                warn!(pid = self.pid.as_raw(), %signal, %error, "the private nats-server cannot be ended");
            }
            if self.exit.recv_timeout(STOP_TIMEOUT).is_ok() {
                return;
            }
        }
    }
}

/// What the server writes down once it listens.
#[derive(Deserialize)]
struct Ports {
    nats: Vec<String>,
}

impl Ports {
    /// The first URL; `None` while the file is being written.
    fn first(text: &[u8]) -> Option<String> {
        let ports: Self = serde_json::from_slice(text).ok()?;
        ports.nats.into_iter().next()
    }
}

fn spawn(program: &Path, directory: &Path, store: &Path) -> Result<Child, EmbeddedError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| EmbeddedError::Io { path, source }
    };
    fs::create_dir_all(store).map_err(at(store))?;
    let lock_path = store.join("tidegate.lock");
    let log = File::create(log_file(directory)).map_err(at(directory))?;
    let child = Command::new(program)
        .args(["-a", "127.0.0.1", "-p", "-1", "-js", "-sd"])
        .arg(store)
        .arg("--ports_file_dir")
        .arg(directory)
        // The lock belongs to the open file, so it lasts as long as the server has it as its input, even if we die.
        .stdin(lock(&lock_path, store)?)
        .stdout(Stdio::null())
        .stderr(log)
        // A Ctrl-C at the terminal is meant for us: we need the server for the drain.
        .process_group(0)
        .spawn()
        .map_err(at(program))?;
    fs::write(&lock_path, child.id().to_string()).map_err(at(&lock_path))?;
    Ok(child)
}

fn lock(path: &Path, store: &Path) -> Result<File, EmbeddedError> {
    let failed = |source| EmbeddedError::Io { path: path.to_owned(), source };
    let file =
        File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::Error(source)) => Err(failed(source)),
        Err(fs::TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(path).unwrap_or_default();
            Err(EmbeddedError::Locked { store: store.to_owned(), pid })
        }
    }
}

/// Waits for the child on a thread of its own, which ends with the child.
fn reap(mut child: Child) -> mpsc::Receiver<io::Result<ExitStatus>> {
    let (sender, exit) = mpsc::sync_channel(1);
    thread::spawn(move || {
        // Nobody listens any more when the process ends before its server.
        sender.send(child.wait()).ok();
    });
    exit
}

fn log_file(directory: &Path) -> PathBuf {
    directory.join("nats-server.log")
}

fn log_tail(directory: &Path) -> String {
    let log = fs::read_to_string(log_file(directory)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("; ")
}
