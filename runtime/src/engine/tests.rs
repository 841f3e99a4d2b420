//! The engine on the broker in memory, on one thread with a clock that runs as fast as the work allows.

mod harness;
mod order;
mod supervision;
