//! The command line: the only floor that prints and knows exit codes, and the place where the others are put together.

mod args;
mod entry;
mod exit;
mod failure;

mod check;
mod completions;
mod explain;
mod graph;
mod permissions;

mod admin;
mod assemble;
mod connection;
mod handlers;
mod ingress;
mod instance;
mod logging;
mod run;
mod running;
mod signals;

mod build;
mod linked;

mod publish;

mod apply;
mod doctor;
mod plan;
mod status;

mod actors;
mod alerts;

mod tap;

mod dead_letters;
mod output;
mod table;

mod demo;

pub use entry::main;
