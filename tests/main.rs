//! Everything that needs a real nats-server, a real process or the whole workspace, in one test binary.

mod workload;

mod bounds;
mod cli;
mod cluster;
mod connection;
mod dead_letter_stream;
mod dead_letters_cli;
mod doctor;
mod drain;
mod drift;
mod environment;
mod exhaustion;
mod faults;
mod fixture_smoke;
mod flow;
mod hostile;
mod ingress;
mod members;
mod metrics;
mod order;
mod permissions;
mod ports;
mod producer;
mod provision;
mod recovery;
mod stalls;
mod status;
mod tidy;
mod traces;
