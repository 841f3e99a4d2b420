//! Measures Tidegate beside what people would write or use instead, `./dev bench`; also is each of them, as a child.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]

mod arguments;
mod bench;
mod case;
mod contestant;
mod event;
mod job;
mod load;
mod measure;
mod report;
mod tally;
mod target;
mod topology;
mod trial;

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::Arguments;

fn main() -> ExitCode {
    // Words of a runtime's own command line.
    match std::env::args().nth(1).as_deref() {
        Some("run" | "tap") => contestant::tidegate::main(),
        Some(contestant::LOOP) => block_on(contestant::by_hand::main()),
        #[cfg(feature = "peer")]
        Some(contestant::PEER) => block_on(contestant::peer::main()),
        _ => block_on(until_signalled(bench::main(&Arguments::parse()))),
    }
}

/// Drops `work` when the process is asked to end: its children end with their owners, which a signal alone would leave.
async fn until_signalled(work: impl Future<Output = ExitCode>) -> ExitCode {
    let [mut terminate, mut interrupt] = [SignalKind::terminate(), SignalKind::interrupt()]
        .map(|kind| signal(kind).expect("a signal can be listened to"));
    tokio::select! {
        code = work => code,
        _ = terminate.recv() => ExitCode::FAILURE,
        _ = interrupt.recv() => ExitCode::FAILURE,
    }
}

fn block_on(work: impl Future<Output = ExitCode>) -> ExitCode {
    tokio::runtime::Runtime::new().expect("a Tokio runtime can be made").block_on(work)
}
