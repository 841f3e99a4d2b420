//! The words of the runtime: what is delivered, how an attempt ends, what becomes of it. No I/O, no clock.

pub mod dead_letter;
pub mod outcome;
pub mod partition;
pub mod retry;

pub use dead_letter::{DeadLetter, Epitaph, Reason, original_headers};
pub use outcome::{Cause, Failure, Verdict};
pub use partition::PartitionId;
pub use retry::RetryPolicy;
