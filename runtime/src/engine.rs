//! Runs actors: ordered per entity, bounded, supervised. Knows the world only through its ports.

mod assemble;
mod crew;
mod dead_letter;
mod delivery;
mod drain;
mod effects;
mod execute;
mod heartbeat;
mod lane;
mod lease;
mod ledger;
mod mailbox;
mod ownership;
mod partition;
mod router;
mod shard;
mod status;
mod supervisor;
pub mod system;
mod threads;
mod watchdog;

#[cfg(test)]
mod tests;

pub use assemble::{ActorPlan, Drained, Engine, Ports};
pub use drain::Drain;
pub use status::{ActorSnapshot, Watch};
pub use supervisor::Rebuild;
pub use threads::Threads;
