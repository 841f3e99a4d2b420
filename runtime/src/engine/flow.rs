//! The flow of streams: whether those that read keep up with those that publish, and who has to wait if not.
//!
//! Some instance reckons each stream: it reads how much waits ([`reckoner`]), turns that into a state ([`reckon`],
//! [`pressure`], [`trend`]) and announces it. All instances know what is announced ([`board`]). An actor one of whose
//! outputs is stopped, or that is told so, takes nothing in ([`gate`]), and else no more than there is room for ([`allowance`], [`outlet`]).

mod allowance;
mod board;
mod bottleneck;
mod depth;
mod gate;
mod outlet;
mod pressure;
mod reckon;
mod reckoner;
mod trend;

pub(crate) use self::allowance::Allowance;
pub(crate) use self::board::Board;
pub(crate) use self::bottleneck::{bottleneck, pressure_of};
pub use self::depth::Depth;
pub(crate) use self::gate::{Gate, Passage};
pub use self::outlet::Outlet;
pub use self::reckoner::{FlowPlan, StreamPlan};
