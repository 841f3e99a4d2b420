//! A child process whose standard error is kept, and which ends with its owner.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::wait::{PATIENCE, eventually_some};

const TAIL: usize = 60;

/// A child process, killed by its id when dropped.
///
/// Its standard error is kept line by line, in memory and in a file; when the test fails, the last lines are printed.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
}

impl Process {
    /// Starts `command`, appending what it writes to standard error to the file `log`.
    ///
    /// # Errors
    /// When the program cannot be started or the log file cannot be opened.
    pub fn spawn(name: &str, command: &mut Command, log: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let stderr = child.stderr.take().expect("standard error is piped");
        let lines = Arc::default();
        let kept = Arc::clone(&lines);
        let id = child.id();
        let reader = thread::spawn(move || keep_lines(id, stderr, file, &kept));
        Ok(Self { name: name.to_owned(), child, lines, reader })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap_or_else(|error| panic!("signal to {}: {error}", self.name));
    }

    /// Freezes the process, and returns when all its threads stand still.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
        let status =
            waitpid(self.pid(), Some(WaitPidFlag::WUNTRACED)).expect("a child of ours can be awaited");
        assert!(
            matches!(status, WaitStatus::Stopped(..)),
            "{} ended instead of freezing: {status:?}",
            self.name
        );
    }

    /// Ends a freeze.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Ends the process as a crash would, and returns when it is gone.
    pub fn kill9(&mut self) {
        self.child.kill().expect("a child of ours can be killed");
        self.child.wait().expect("a child of ours can be awaited");
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.exit_status().is_none()
    }

    /// Waits until it has ended by itself, and for a while until all that it wrote to standard error has been read:
    /// a child of its own may keep that open.
    ///
    /// # Panics
    /// When it is still running after `limit`.
    pub async fn wait_exit(&mut self, limit: Duration) -> ExitStatus {
        let status = eventually_some(limit, async || self.exit_status()).await;
        for _ in 0..100 {
            if self.reader.is_finished() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        status
    }

    /// What it has written to standard error.
    pub fn log(&self) -> Vec<String> {
        self.lines.lock().expect("nobody panics while holding the lines").clone()
    }

    /// How many lines of standard error contain `pattern`.
    pub fn count_log(&self, pattern: &str) -> usize {
        self.log().iter().filter(|line| line.contains(pattern)).count()
    }

    /// Waits for a line of standard error that contains `pattern`, and returns the first.
    ///
    /// # Panics
    /// When there is none within [`PATIENCE`].
    pub async fn wait_for_log(&self, pattern: &str) -> String {
        eventually_some(PATIENCE, async || self.log().into_iter().find(|line| line.contains(pattern))).await
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id fits"))
    }

    fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child of ours can be asked")
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "the test runner shows standard error of a test that failed")]
    fn drop(&mut self) {
        // Errors mean that it has ended already, and a panic here would hide the test's own.
        drop(self.child.kill());
        drop(self.child.wait());
        if thread::panicking() {
            let log = self.log();
            eprintln!("── the last lines of {} ({}):", self.name, self.child.id());
            log.iter().skip(log.len().saturating_sub(TAIL)).for_each(|line| eprintln!("{line}"));
        }
    }
}

/// A running process's resident memory in bytes. Linux only.
pub fn resident_memory(process: u32) -> Option<u64> {
    status_bytes(process, "VmRSS:")
}

/// The most memory that a running process has had resident, in bytes. Linux only.
pub fn peak_memory(process: u32) -> Option<u64> {
    status_bytes(process, "VmHWM:")
}

/// The time that a running process has spent on the cores, for itself and in the kernel. Linux only.
pub fn cpu_time(process: u32) -> Option<Duration> {
    // The kernel's unit for programs, whatever its own clock.
    const TICK: Duration = Duration::from_millis(10);
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before it, in parentheses, may hold spaces.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(TICK * (user + system))
}

fn status_bytes(process: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(value.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

fn keep_lines(id: u32, stderr: ChildStderr, mut file: File, kept: &Mutex<Vec<String>>) {
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        // The file is for whoever looks later, and several processes can share it; a full disk must not cost the lines
        // in memory.
        drop(writeln!(file, "{id} {line}"));
        kept.lock().expect("nobody panics while holding the lines").push(line);
    }
}
