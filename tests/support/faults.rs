//! What the fault tests and the soak are made of: a workload, its history, faults, and a checker that judges the rest.
//!
//! [`Stage`] runs instances of the fixture against a [`Broker`], feeds them [`Task`]s, breaks things and collects the
//! [`Evidence`]; [`check()`] reads nothing else. `docs/faults.md` says which invariant is judged by what.

mod broker;
mod chain;
mod check;
mod evidence;
mod fault;
mod fleet;
mod history;
mod moment;
mod plan;
mod producer;
mod reader;
mod setting;
mod stage;
mod take_over;
mod task;
mod trouble;
mod zipf;

pub use broker::{Broker, Lead, Target};
pub use chain::Chain;
pub use check::{Invariant, Violation, check, count_repeats, longest_standstill, repeats_by_fault};
pub use evidence::{Bounds, Evidence, Exit, Letter, Output, Publication, Revision, Sample, Stored};
pub use fault::{Fault, FaultKind};
pub use history::{Event, History, Line, Outcome};
pub use moment::Moment;
pub use plan::{Menu, Plan, Step};
pub use producer::Load;
pub use setting::Setting;
pub use stage::Stage;
pub use take_over::{TakeOver, take_overs};
pub use task::{Act, Done, Mix, Task};
pub use trouble::{Leader, Trouble};
pub use zipf::Zipf;
