//! How a command ends, as whoever started it sees it.

use std::process::ExitCode;

use nix::sys::signal::Signal;

/// The exit codes, for `--help`.
pub(super) const CODES: &str = "\
Exit codes:
    0  done; for `run`: drained
    1  failed, or done only in part
    2  the command line is wrong
    3  the topology is rejected
    4  NATS cannot be reached, refuses, or differs from the topology
    5  drained, but time ran out: what still ran will be delivered again
    6  `plan` and `apply`: the server differs from the topology; `doctor`: something is wrong
  130  stopped at once by a second SIGINT (143: SIGTERM)";

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Everything that was asked for.
    Done,
    /// Not, or only in part.
    Failed,
    /// The command line is wrong.
    Usage,
    /// The topology is.
    Rejected,
    /// NATS is away, refuses, or has something else than the topology needs.
    Nats,
    /// The drain ran out of time.
    Undrained,
    /// The command was to tell whether something is wrong, and something is.
    Different,
    /// A second signal ended the drain.
    Interrupted(Signal),
}

impl Exit {
    /// The number; that of a signal is 128 more than its own, as shells have it.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Rejected => 3,
            Self::Nats => 4,
            Self::Undrained => 5,
            Self::Different => 6,
            Self::Interrupted(signal) => {
                128 + u8::try_from(signal as i32).expect("signals are small numbers")
            }
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_tells_every_code() {
        let exits = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::Rejected,
            Exit::Nats,
            Exit::Undrained,
            Exit::Different,
            Exit::Interrupted(Signal::SIGINT),
        ];

        for exit in exits {
            assert!(CODES.contains(&format!("{:>5}  ", exit.code())), "{exit:?} is not told");
        }
        assert_eq!(Exit::Interrupted(Signal::SIGTERM).code(), 143);
    }
}
