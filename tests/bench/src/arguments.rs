//! What the bench is told on its command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Parser;

/// Measures Tidegate beside a hand-written loop and others, on a private nats-server, in alternating runs.
#[derive(Debug, Parser)]
#[command(name = "./dev bench")]
pub(crate) struct Arguments {
    /// Which cases; all of them when none is named. `list` tells their names
    pub(crate) cases: Vec<String>,

    /// How often each contestant runs
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,

    /// Messages in a run, instead of what the case says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(100..))]
    pub(crate) messages: Option<u64>,

    /// Where all that was measured goes, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Most messages that the loop asks for at a time, instead of its best
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) batch: Option<u64>,

    /// How many lanes the peer has, instead of its best
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<NonZeroUsize>,

    /// Only entries of this name, such as `loop`; can be repeated
    #[arg(long, value_name = "ENTRY")]
    pub(crate) only: Vec<String>,

    /// Starts contestants under a program that looks into them, such as `perf record -g`, and ends them gently
    #[arg(long, value_name = "COMMAND")]
    pub(crate) under: Option<String>,

    /// Makes every contestant lose a message: the run has to fail
    #[arg(long, hide = true)]
    pub(crate) plant_loss: bool,
}
