//! What surrounds a runtime gets into trouble: its network, its consumer, its permissions, its own stack.

mod broker;
mod network;
mod process;
