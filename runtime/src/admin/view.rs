//! What is shown, as JSON. Fields may be added; those that are there keep their meaning.

mod actor;
mod topology;

pub(super) use actor::{ActorDetail, ActorList, PartitionView};
pub(super) use topology::TopologyView;
