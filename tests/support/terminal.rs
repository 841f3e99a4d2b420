//! Somebody's terminal, with a command at work on it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;

use crate::RuntimeBuilder;
use crate::wait::{PATIENCE, eventually, eventually_some};

const SIZE: Winsize = Winsize { ws_row: 40, ws_col: 140, ws_xpixel: 0, ws_ypixel: 0 };

/// A pseudo-terminal and the command that reads from it and writes to it; killed by its id when dropped.
#[derive(Debug)]
pub struct Terminal {
    keyboard: File,
    /// The command's side, kept open so that it can be asked after the command's end.
    line: OwnedFd,
    settings: Termios,
    written: Arc<Mutex<Vec<u8>>>,
    child: Child,
    /// Its directory, with the topology, lasts as long.
    _builder: RuntimeBuilder,
}

impl Terminal {
    /// Runs the command on a terminal of its own.
    ///
    /// # Panics
    /// When the system has no terminal left, or the command cannot be started.
    pub fn run(builder: RuntimeBuilder) -> Self {
        let pair = openpty(&SIZE, None).expect("the system has pseudo-terminals");
        let settings = tcgetattr(&pair.slave).expect("a terminal has settings");
        let side = || pair.slave.try_clone().expect("a descriptor can be had twice");
        let child =
            builder.command().env("TERM", "xterm").stdin(side()).stdout(side()).stderr(side()).spawn();
        let keyboard = File::from(pair.master);
        let screen = keyboard.try_clone().expect("a descriptor can be had twice");
        let written = Arc::default();
        let kept = Arc::clone(&written);
        thread::spawn(move || keep(screen, &kept));
        Self {
            keyboard,
            line: pair.slave,
            settings,
            written,
            child: child.expect("the command can be started"),
            _builder: builder,
        }
    }

    /// All that was written to it.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().expect("nobody panics with it")).into_owned()
    }

    /// Waits until it was written.
    ///
    /// # Panics
    /// When it was not within [`PATIENCE`].
    pub async fn wait_for(&self, text: &str) {
        eventually(PATIENCE, async || self.written().contains(text)).await;
    }

    /// Presses keys.
    ///
    /// # Panics
    /// When the terminal takes none.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("a terminal takes keys");
    }

    /// Sends a signal to the command.
    ///
    /// # Panics
    /// When it has ended.
    pub fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.child.id()).expect("a process id fits"));
        kill(id, signal).expect("the command runs");
    }

    /// Waits until the command has ended by itself.
    ///
    /// # Panics
    /// When it still runs after `limit`.
    pub async fn wait_exit(&mut self, limit: Duration) -> ExitStatus {
        eventually_some(limit, async || self.child.try_wait().expect("a child of ours can be asked")).await
    }

    /// Whether it has the settings that it had at first: what is typed is shown, and `^C` interrupts.
    ///
    /// # Panics
    /// When it cannot be asked.
    pub fn has_its_first_settings(&self) -> bool {
        tcgetattr(self.line.as_fd()).expect("a terminal has settings") == self.settings
    }
}

impl Drop for Terminal {
    #[expect(clippy::print_stderr, reason = "the test runner shows standard error of a test that failed")]
    fn drop(&mut self) {
        // Errors mean that it has ended already. What keeps the output ends with the last descriptor of its side.
        drop(self.child.kill());
        drop(self.child.wait());
        if thread::panicking() {
            eprintln!("── what the terminal was sent: {:?}", self.written());
        }
    }
}

fn keep(mut screen: File, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    // Linux calls it an error when nobody has the other side any more.
    while let Ok(count @ 1..) = screen.read(&mut buffer) {
        kept.lock().expect("nobody panics with it").extend_from_slice(&buffer[..count]);
    }
}
