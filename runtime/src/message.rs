//! The words of the runtime: what is delivered, how an attempt ends, what becomes of it. No I/O, no clock.

pub mod alert;
pub mod control;
pub mod dead_letter;
pub mod member;
pub mod outcome;
pub mod partition;
pub mod retry;
pub mod shard;
pub mod tap;

mod instant;

pub use alert::{Alert, AlertEvent, AlertName, AlertTurn, AlertUnit};
pub use control::{Control, ControlState};
pub use dead_letter::{DeadLetter, Epitaph, Reason, original_headers};
pub(crate) use instant::nanos;
pub use member::{
    ActorReport, Fullest, HotReport, InstanceId, IntakeStopped, Member, MemberState, ProcessId, ShardId,
    ShardReport, ShardState, WaitReport, WorkReport,
};
pub use outcome::{Cause, Failure, Verdict};
pub use partition::PartitionId;
pub use retry::RetryPolicy;
pub use shard::ShardPrefix;
pub use tap::{TapFilter, TapOutcome, TapRequest, Tapped};
pub use tidegate_producer::flow::{self, Flow, FlowState, Mark, Pressure};
pub use tidegate_producer::timestamp;
