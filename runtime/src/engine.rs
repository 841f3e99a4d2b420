//! Runs actors: ordered per entity, bounded, supervised. Knows the world only through its ports.

mod alert;
mod assemble;
mod assignment;
mod control;
mod counter;
mod crew;
mod dead_letter;
mod deadline;
mod delivery;
mod drain;
mod duty;
mod effects;
mod execute;
mod flow;
mod heartbeat;
mod lane;
mod lanes;
mod lease;
mod ledger;
mod mailbox;
mod membership;
mod ownership;
mod partition;
mod quarantine;
mod roster;
mod router;
mod shard;
mod shift;
mod slot;
mod sprint;
mod stall;
mod status;
mod supervisor;
pub mod system;
mod tap;
mod threads;
mod title;
mod trials;
mod watchdog;

#[cfg(test)]
mod tests;

pub use assemble::{ActorPlan, Drained, Engine, Instance, Ports};
pub use control::ControlPlan;
pub use drain::Drain;
pub use flow::{Depth, FlowPlan, Outlet, StreamPlan};
pub use lanes::{HotEntity, WaitingEntity};
pub use membership::{Assignment, Charter, Membership, MembershipError, RoundTrip, Standing};
pub use status::{ActorSnapshot, PartitionReport, Trouble, Watch};
pub use supervisor::Rebuild;
pub use threads::Threads;
