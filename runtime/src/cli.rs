//! The command line: the only floor that prints and knows exit codes, and the place where the others are put together.

mod args;
mod entry;
mod exit;
mod failure;

mod check;
mod completions;
mod explain;

mod assemble;
mod connection;
mod handlers;
mod logging;
mod run;
mod signals;

mod build;
mod linked;

mod publish;

mod dead_letters;
mod output;

mod demo;

pub use entry::main;
