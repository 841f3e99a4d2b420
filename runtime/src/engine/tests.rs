//! The engine on the broker in memory, on one thread with a clock that runs as fast as the work allows.

mod alerts;
mod control;
mod crashes;
mod flow;
mod harness;
mod membership;
mod order;
mod stalls;
mod states;
mod supervision;
mod tap;
mod tenure;
mod title;
