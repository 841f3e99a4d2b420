//! Everything that needs a real nats-server, a real process or the whole workspace, in one test binary.

mod workload;

mod bounds;
mod cli;
mod connection;
mod dead_letter_stream;
mod dead_letters_cli;
mod drain;
mod exhaustion;
mod fixture_smoke;
mod hostile;
mod order;
mod ports;
mod provision;
mod recovery;
mod tidy;
mod traces;
