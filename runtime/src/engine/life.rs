//! Which process this is, and which others live.

use std::sync::Arc;

use tokio::sync::watch;

use super::membership::Assignment;
use crate::message::ProcessId;

/// The processes that may have tried a message.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    process: Arc<ProcessId>,
    assignment: watch::Receiver<Assignment>,
}

impl Life {
    pub(crate) fn new(process: ProcessId, assignment: watch::Receiver<Assignment>) -> Self {
        Self { process: Arc::new(process), assignment }
    }

    /// This process.
    pub(crate) fn process(&self) -> &ProcessId {
        &self.process
    }

    /// Whether the process is this one, or among those that live.
    pub(crate) fn is_known(&self, process: &ProcessId) -> bool {
        *process == *self.process || self.assignment.borrow().living.contains(process)
    }
}
