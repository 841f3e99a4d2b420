//! What is shown, as JSON. Fields may be added; those that are there keep their meaning.

mod actor;
mod alert;
mod topology;

pub(super) use actor::{ActorDetail, ActorList, PartitionView};
pub(super) use alert::AlertList;
pub(super) use topology::TopologyView;
